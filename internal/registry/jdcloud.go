// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/fipctl/fipctl/pkg/metadata"
	jdmetadata "github.com/fipctl/fipctl/pkg/metadata/jdcloud"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/jdcloud"
)

// jdPair are the variables of a key pair. The vendor's tools have no common names.
var jdPair = pairNames{id: "JDCLOUD_ACCESS_KEY", key: "JDCLOUD_SECRET_KEY", token: "JDCLOUD_SESSION_TOKEN"}

// jdIDs says by what each kind of address is found.
var jdIDs = map[string]ID{
	providers.KindEIP:       {Key: KeyID, Prefix: "fip-", Text: "the EIP"},
	providers.KindPrivateIP: {Key: KeySubnet, Prefix: "subnet-", Text: "the subnet that the address belongs to"},
	providers.KindRoute:     {Key: KeyTables, Prefix: "rtb-", Many: true, Text: "the route tables that lead to the address"},
}

// jdRole is the one word of the option role: JD Cloud gives a machine one role.
const jdRole = "auto"

var jdCloud = struct {
	name string
	driver
}{jdcloud.Name, driver{
	describe: func() Description {
		return Description{
			Name:    jdcloud.Name,
			Kinds:   kindsOf(jdcloud.Kinds(), jdcloud.Capabilities, jdIDs, providers.KindRoute),
			Refused: map[string]string{providers.KindHAVIP: jdcloud.Refusal(providers.KindHAVIP)},
			Options: []Option{
				{jdcloud.OptionCredentialsFile, "", "file with JDCLOUD_ACCESS_KEY and JDCLOUD_SECRET_KEY, readable by its owner only"},
				{jdcloud.OptionRole, "", "auto: the credentials of the machine's role, by a path that JD Cloud does not document"},
				{jdcloud.OptionRegion, "", "region of the addresses"},
				{jdcloud.OptionNetwork, jdcloud.NetworkPublic, "whose endpoints are used: public (https) or internal (http, from within a VPC)"},
				{jdcloud.OptionEndpoint, "", "one base URL for all services, instead of those of the network"},
				{jdcloud.OptionMetadataEndpoint, jdmetadata.DefaultEndpoint, "base URL of the metadata service"},
				callsPerHour(0),
			},
			Networks: []Network{
				{Name: jdcloud.NetworkPublic},
				{Name: jdcloud.NetworkInternal, Warning: "the internal endpoints speak plain http: requests are signed, but everybody on the way can read them"},
			},
			Signed: true,
		}
	},
	metadata: func(s Settings) (metadata.Source, error) {
		source, err := jdmetadata.New(jdmetadata.Config{Endpoint: s.MetadataEndpoint})
		if err != nil {
			return nil, err
		}
		return source, nil
	},
	open: openJD,
}}

func openJD(s Settings, source metadata.Source) (Cloud, error) {
	cfg := jdcloud.Config{
		Region:    regionOf(s.Region, source),
		Endpoints: jdcloud.Endpoints{Internal: s.Network == jdcloud.NetworkInternal, Single: s.Endpoint},
		UserAgent: s.UserAgent,
	}
	from, err := jdCredentials(s, &cfg)
	if err != nil {
		return Cloud{}, err
	}
	cloud, err := jdcloud.New(cfg)
	if err != nil {
		return Cloud{}, err
	}
	return Cloud{Kinds: providersOf(jdcloud.Kinds(), cloud.Kind), Metadata: source, Credentials: from}, nil
}

// jdCredentials gives the driver what it signs with: the machine's role if it is asked
// for, else the file, else the environment.
func jdCredentials(s Settings, cfg *jdcloud.Config) (from string, err error) {
	switch {
	case s.Role != "" && s.Role != jdRole:
		return "", fmt.Errorf("role: %q is not allowed; write %s, or remove it", s.Role, jdRole)
	case s.Role != "" && s.CredentialsFile != "":
		return "", errors.New("credentials_file and role are both set; keep one")
	case s.Role != "":
		role, err := jdcloud.NewRole(jdcloud.RoleConfig{Endpoint: s.MetadataEndpoint})
		if err != nil {
			return "", err
		}
		cfg.Credentials, cfg.Rejected = role.Credential, role.Rejected
		return "the role of this machine", nil
	}
	read, from, err := findKeyPair(s, jdPair)
	if errors.Is(err, errNoKeyPair) {
		return "", fmt.Errorf("no key pair; set credentials_file, or %s and %s in the environment", jdPair.id, jdPair.key)
	}
	cfg.Credentials = func(context.Context) (jdcloud.Credential, error) {
		pair, err := read()
		return jdcloud.Credential{AccessKey: pair.id, SecretKey: pair.key, Token: pair.token}, err
	}
	return from, err
}
