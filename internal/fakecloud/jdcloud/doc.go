// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package jdcloud gives the fake cloud the face of JD Cloud: of the services vm, vpc
// and ag as far as fipctl and its users touch them, and each machine's metadata
// service. Import it as fakejd.
//
// All services answer at one host, told apart by the path; where the host is one of
// JD Cloud's own names it must be the service's. Signatures are recomputed. What the
// service is documented or seen to answer is answered so; where nothing is known
// (most texts of the vpc service, what a repeated assignment answers) it picks one
// plausible behaviour, often with an option for the other, that clients must not
// build on. It never decides who holds an address; the model does.
//
// The holders in the model are {Instance, Interface, PrivateIP} for an EIP,
// {Instance, Interface} for a secondary private IP and {Instance} for a route.
//
// A function told of changes by [fakecloud.Model.OnChange] must not wait for this
// package: a call may be what told it.
package jdcloud
