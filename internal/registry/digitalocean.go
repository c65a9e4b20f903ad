// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"github.com/fipctl/fipctl/pkg/metadata"
	dometadata "github.com/fipctl/fipctl/pkg/metadata/digitalocean"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/digitalocean"
)

// digitalOceanTokens are the variables that may hold the token, first one first:
// that of the vendor's command line tool, then two of common use.
var digitalOceanTokens = []string{"DIGITALOCEAN_ACCESS_TOKEN", "DIGITALOCEAN_TOKEN", "DO_TOKEN"}

var digitalOcean = struct {
	name string
	driver
}{digitalocean.Name, driver{
	describe: func() Description {
		return Description{
			Name:   digitalocean.Name,
			Anchor: true,
			Kinds: []Kind{{
				Name:         digitalocean.KindReservedIP,
				Capabilities: (*digitalocean.Provider)(nil).Capabilities(),
			}},
			Options: []Option{
				{digitalocean.OptionTokenFile, "", "file with the API token, readable by its owner only"},
				{digitalocean.OptionEndpoint, digitalocean.DefaultEndpoint, "base URL of the API"},
				{digitalocean.OptionMetadataEndpoint, dometadata.DefaultEndpoint, "base URL of the metadata service"},
				callsPerHour((*digitalocean.Provider)(nil).Capabilities().CallsPerHour),
			},
		}
	},
	open: func(s Settings, source metadata.Source) (Cloud, error) {
		token, from, err := bearerToken(s, digitalOceanTokens)
		if err != nil {
			return Cloud{}, err
		}
		p, err := digitalocean.New(digitalocean.Config{
			HTTP:     cloudhttp.New(cloudhttp.Config{Token: token, UserAgent: s.UserAgent, Ration: digitalocean.Ration()}),
			Endpoint: s.Endpoint,
		})
		if err != nil {
			return Cloud{}, err
		}
		return Cloud{
			Kinds:    map[string]providers.Provider{digitalocean.KindReservedIP: p},
			Metadata: source, Credentials: from,
		}, nil
	},
	metadata: func(s Settings) (metadata.Source, error) {
		source, err := dometadata.New(dometadata.Config{Endpoint: s.MetadataEndpoint})
		if err != nil {
			return nil, err
		}
		return source, nil
	},
}}
