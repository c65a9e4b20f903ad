// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/fipctl/fipctl/pkg/metadata"
	tcmetadata "github.com/fipctl/fipctl/pkg/metadata/tencent"
	"github.com/fipctl/fipctl/pkg/providers"
	"github.com/fipctl/fipctl/pkg/providers/cloudhttp"
	"github.com/fipctl/fipctl/pkg/providers/tencent"
)

// tencentPair are the variables of the vendor's own tools.
var tencentPair = pairNames{id: "TENCENTCLOUD_SECRET_ID", key: "TENCENTCLOUD_SECRET_KEY", token: "TENCENTCLOUD_TOKEN"}

// tencentIDs says by what each kind of address is found.
var tencentIDs = map[string]ID{
	providers.KindHAVIP:     {Key: KeyID, Prefix: "havip-", Text: "the HAVIP"},
	providers.KindEIP:       {Key: KeyID, Prefix: "eip-", Text: "the EIP"},
	providers.KindPrivateIP: {Key: KeySubnet, Prefix: "subnet-", Text: "the subnet that the address belongs to"},
	providers.KindRoute:     {Key: KeyTables, Prefix: "rtb-", Many: true, Text: "the route tables that lead to the address"},
}

var tencentCloud = struct {
	name string
	driver
}{tencent.Name, driver{
	describe: func() Description {
		return Description{
			Name:  tencent.Name,
			Kinds: kindsOf(tencent.Kinds(), tencent.Capabilities, tencentIDs, providers.KindPrivateIP),
			Options: []Option{
				{tencent.OptionCredentialsFile, "", "file with TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, readable by its owner only"},
				{tencent.OptionRole, "", "CAM role whose credentials the metadata service is asked for"},
				{tencent.OptionRegion, "", "region of the addresses"},
				{tencent.OptionEndpoint, "", "base URL of the API, for all services"},
				{tencent.OptionMetadataEndpoint, tencent.DefaultMetadataEndpoint, "base URL of the metadata service"},
				callsPerHour(0),
			},
			Signed: true,
		}
	},
	metadata: func(s Settings) (metadata.Source, error) {
		source, err := tcmetadata.New(tcmetadata.Config{Endpoint: s.MetadataEndpoint})
		if err != nil {
			return nil, err
		}
		return source, nil
	},
	open: openTencent,
}}

func openTencent(s Settings, source metadata.Source) (Cloud, error) {
	cfg := tencent.Config{
		HTTP:     cloudhttp.New(cloudhttp.Config{UserAgent: s.UserAgent}),
		Region:   regionOf(s.Region, source),
		Endpoint: s.Endpoint,
	}
	from, err := tencentCredentials(s, &cfg)
	if err != nil {
		return Cloud{}, err
	}
	cloud, err := tencent.New(cfg)
	if err != nil {
		return Cloud{}, err
	}
	if needsInterface(s.Kinds) && s.MetadataEndpoint != NoMetadata {
		source = &completed{source, cloud.Interface}
	}
	return Cloud{Kinds: providersOf(tencent.Kinds(), cloud.Kind), Metadata: source, Credentials: from}, nil
}

// needsInterface reports whether one of the kinds in use is bound to an interface.
func needsInterface(kinds []string) bool {
	if kinds == nil {
		kinds = tencent.Kinds()
	}
	return slices.ContainsFunc(kinds, func(k string) bool { return tencent.Capabilities(k).Target&providers.PartInterface != 0 })
}

// tencentCredentials gives the driver what it signs with: the file, the environment,
// or the role of the machine, in this order. A role that is named comes before the
// environment, which somebody may have set for another purpose.
func tencentCredentials(s Settings, cfg *tencent.Config) (from string, err error) {
	if s.CredentialsFile != "" && s.Role != "" {
		return "", errors.New("credentials_file and role are both set; keep one")
	}
	read, from, err := (func() (keyPair, error))(nil), "", errNoKeyPair
	if s.Role == "" {
		read, from, err = findKeyPair(s, tencentPair)
	}
	switch {
	case err == nil:
		cfg.Credentials = func(context.Context) (tencent.Credential, error) {
			pair, err := read()
			return tencent.Credential{ID: pair.id, Key: pair.key, Token: pair.token}, err
		}
		return from, nil
	case !errors.Is(err, errNoKeyPair):
		return "", err
	case s.MetadataEndpoint == NoMetadata:
		return "", fmt.Errorf("no key pair; set credentials_file, or %s and %s in the environment: a role has none where metadata_endpoint is %s", tencentPair.id, tencentPair.key, NoMetadata)
	}
	role, err := tencent.NewRole(tencent.RoleConfig{Endpoint: s.MetadataEndpoint, Role: s.Role})
	if err != nil {
		return "", err
	}
	cfg.Credentials, cfg.Refused = role.Credential, role.Forget
	if s.Role == "" {
		return "the CAM role of this machine", nil
	}
	return "CAM role " + s.Role, nil
}

// completed is a metadata service whose word on the machine lacks the interface, which
// the API tells: the one with the primary private address.
type completed struct {
	metadata.Source
	find func(ctx context.Context, instance, mac string) (id string, err error)
}

// Identity implements metadata.Source. While the API does not tell the interface the
// identity is incomplete.
func (c *completed) Identity(ctx context.Context) (metadata.Identity, error) {
	id, err := c.Source.Identity(ctx)
	if err != nil || id.Target.Interface != "" {
		return id, err // which the configuration may tell, where there is no such service
	}
	// In which order the service lists them is not documented.
	i := slices.IndexFunc(id.Interfaces, func(n metadata.Interface) bool { return slices.Contains(n.Addresses, id.Target.PrivateIP) })
	if i < 0 {
		return id, fmt.Errorf("find the network interface: the metadata service names none with %s, the primary private address: %w", id.Target.PrivateIP, metadata.ErrIncomplete)
	}
	mac := id.Interfaces[i].MAC
	found, err := c.find(ctx, id.Target.Instance, mac)
	if err != nil {
		return id, fmt.Errorf("find the network interface with the MAC %s: %w: %w", mac, metadata.ErrIncomplete, err)
	}
	id.Target.Interface = found
	return id, nil
}
