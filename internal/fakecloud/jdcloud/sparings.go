// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package jdcloud

import "github.com/fipctl/fipctl/internal/fakecloud/face"

// sparings are what answers of the API have been seen to leave out.
var sparings []face.Sparing

// metadataSparings are the same of the metadata service.
var metadataSparings []face.Sparing
