// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"context"
	"errors"

	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// NoMetadata as the metadata endpoint says that there is no metadata service: the
// configuration says who this machine is, and nothing else does.
const NoMetadata = "none"

// source returns what says who this machine is: the provider's metadata service, or where
// there is none the settings.
func (d driver) source(name string, s Settings) (metadata.Source, error) {
	if s.MetadataEndpoint == NoMetadata {
		if s.Role != "" {
			return nil, errors.New("role: its credentials come from the metadata service, which metadata_endpoint says there is none of; set credentials_file")
		}
		return stated{name, s}, nil
	}
	return d.metadata(s)
}

// stated is the word of the configuration in place of a metadata service.
type stated struct {
	cloud    string
	settings Settings
}

// Cloud implements metadata.Source.
func (s stated) Cloud() string { return s.cloud }

// Identity implements metadata.Source.
func (s stated) Identity(context.Context) (metadata.Identity, error) {
	t := providers.ParseTarget(s.settings.Target)
	if t.IsZero() {
		return metadata.Identity{}, errors.New("there is no metadata service, and nodes[].target." + s.cloud + " of this node does not say which machine it is")
	}
	return metadata.Identity{Target: t, Region: s.settings.Region}, nil
}
