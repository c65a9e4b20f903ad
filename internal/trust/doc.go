// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package trust is the one way in which files are opened that the daemon must be able to
// rely on: secrets, which nobody else may read, and programs, which nobody else may
// change. It never repairs a file and keeps nothing of what it read.
//
// A file is as good as the way to it. From the root down every folder and symbolic link
// is looked at before what it leads to, and must belong to root or to the daemon's user;
// a folder must be writable by them alone or be sticky, like /tmp. By induction nobody
// else can then put another file in the place of the one that was looked at, at no
// moment, so there is nothing between the look and the use. Symbolic links are followed,
// because Kubernetes and others deliver secrets by them.
package trust
