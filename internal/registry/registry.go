// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package registry

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/fipctl/fipctl/internal/trust"
	"github.com/fipctl/fipctl/pkg/metadata"
	"github.com/fipctl/fipctl/pkg/providers"
)

// Settings is what the configuration says about one provider. An empty field
// means the provider's default.
type Settings struct {
	Endpoint         string // base URL of the API
	MetadataEndpoint string // base URL of the metadata service; NoMetadata: there is none
	Target           string // what this machine is called where there is none, as Target.String has it
	TokenFile        string // path of the file with the API token
	CredentialsFile  string // path of the file with a key and its secret
	Region           string // the cloud's name of the region
	Network          string // the network whose endpoints are used, a word of the provider
	Role             string // whose credentials the metadata service is asked for

	// Trusted are those who may own and change the two files.
	Trusted trust.Users

	// Kinds are the kinds of address in use. What only other kinds need is not asked
	// for, so that it takes no permission. Nil: all of them.
	Kinds     []string
	UserAgent string // what requests say they come from, such as "fipctl/0.1"
	// LookupEnv reads the environment. Nil: os.LookupEnv.
	LookupEnv func(name string) (string, bool)
}

// Cloud is a provider ready for use.
type Cloud struct {
	Kinds    map[string]providers.Provider // by kind of address: one value each
	Metadata metadata.Source
	// Credentials says where they come from, for the log: "file /etc/fipctl/do.token"
	// or "environment DIGITALOCEAN_TOKEN". Never what they are.
	Credentials string
	// Fingerprint returns what changes with the content of the file that they are in, to see
	// that somebody has replaced it; [Unreadable] where that cannot be read, and empty where
	// they are in no file, or it cannot be told at the moment.
	Fingerprint func() string
}

// Description is what is known of a provider without building it.
type Description struct {
	Name    string
	Kinds   []Kind
	Options []Option
	// Refused are kinds that somebody may expect and that the provider does not
	// move, with the reason and what to do instead.
	Refused map[string]string
	// Networks are the words of the option network; none if it has no such option.
	Networks []Network
	// Anchor says that the metadata service tells the address on which a machine receives what
	// is sent to a floating IP ({anchor} in checks).
	Anchor bool
	// Signed says that requests carry a signature instead of a secret: over plain
	// http they can be read, but neither changed nor repeated for long.
	Signed bool
}

// Network is a network from which a provider can be reached.
type Network struct {
	Name    string
	Warning string // what is to be known of it; empty: nothing
}

// OverHTTP says what plain http does to the requests of the provider.
func (d Description) OverHTTP() string {
	if d.Signed {
		return "sends requests unencrypted over the network: signed, but everybody on the way can read them"
	}
	return "sends the token unencrypted over the network"
}

// Kind is one kind of address.
type Kind struct {
	Name         string
	Capabilities providers.Capabilities
	ID           ID
	Alone        bool // no call reads many addresses of the kind: each takes one of its own
}

// ID says how an address of a kind is told to the cloud besides by its IP. The zero
// ID: not at all.
type ID struct {
	Key    string // the key of the configuration file: "id", "subnet" or "tables"
	Prefix string // what the cloud's ids begin with, such as "eip-"
	Many   bool   // the key holds a list; the address is in each of them
	Text   string // what it names, such as "the HAVIP"
}

// The keys of the configuration that name an address to the cloud.
const (
	KeyID     = "id"     // of the address itself
	KeySubnet = "subnet" // that the address belongs to
	KeyTables = "tables" // the route tables that lead to the address
)

// Option is one key of a provider's block in the configuration file.
type Option struct {
	Name    string
	Default string // empty: none
	Text    string // one line of help
}

// callsPerHour is the option that every provider has: how many calls an hour are this
// cluster's. The default is the provider's limit for a whole account; 0: none is known.
func callsPerHour(limit int) Option {
	o := Option{Name: "calls_per_hour", Text: "calls an hour of the account that are this cluster's"}
	if limit > 0 {
		o.Default = strconv.Itoa(limit)
	}
	return o
}

// Kind returns the kind with this name.
func (d Description) Kind(name string) (Kind, bool) {
	i := slices.IndexFunc(d.Kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return d.Kinds[i], true
}

// driver is how one provider is described and built.
type driver struct {
	describe func() Description
	metadata func(Settings) (metadata.Source, error)
	// open gets the source of the same settings, and may put one in its place that
	// knows more.
	open func(Settings, metadata.Source) (Cloud, error)
}

// drivers holds every provider by name.
var drivers = map[string]driver{
	digitalOcean.name: digitalOcean.driver,
	jdCloud.name:      jdCloud.driver,
	tencentCloud.name: tencentCloud.driver,
}

// kindsOf describes kinds of address by what their driver says of them.
func kindsOf(names []string, capabilities func(string) providers.Capabilities, ids map[string]ID, alone ...string) []Kind {
	var kinds []Kind
	for _, name := range names {
		kinds = append(kinds, Kind{Name: name, Capabilities: capabilities(name), ID: ids[name], Alone: slices.Contains(alone, name)})
	}
	return kinds
}

// providersOf collects the providers of a cloud by kind.
func providersOf(names []string, of func(string) (providers.Provider, bool)) map[string]providers.Provider {
	kinds := map[string]providers.Provider{}
	for _, name := range names {
		kinds[name], _ = of(name)
	}
	return kinds
}

// Names returns the names of all providers, sorted.
func Names() []string { return slices.Sorted(maps.Keys(drivers)) }

// Describe returns what is known of the provider with this name.
func Describe(name string) (Description, bool) {
	d, ok := drivers[name]
	if !ok {
		return Description{}, false
	}
	return d.describe(), true
}

// Open builds the provider with this name. It reads the credentials once, so that
// a mistake shows at the start and not with the first claim.
func Open(name string, s Settings) (Cloud, error) {
	d, err := find(name)
	if err != nil {
		return Cloud{}, err
	}
	source, err := d.source(name, s)
	if err != nil {
		return Cloud{}, fmt.Errorf("open %s: %w", name, err)
	}
	s = s.withDefaults()
	cloud, err := d.open(s, source)
	if err != nil {
		return Cloud{}, fmt.Errorf("open %s: %w", name, err)
	}
	cloud.Fingerprint = s.fingerprint
	return cloud, nil
}

// OpenMetadata builds only the metadata source, which needs no credentials.
func OpenMetadata(name string, s Settings) (metadata.Source, error) {
	d, err := find(name)
	if err != nil {
		return nil, err
	}
	source, err := d.source(name, s)
	if err != nil {
		return nil, fmt.Errorf("open metadata of %s: %w", name, err)
	}
	return source, nil
}

func find(name string) (driver, error) {
	d, ok := drivers[name]
	if !ok {
		return driver{}, fmt.Errorf("provider %q is unknown; known are %s", name, strings.Join(Names(), ", "))
	}
	return d, nil
}

func (s Settings) withDefaults() Settings {
	if s.LookupEnv == nil {
		s.LookupEnv = os.LookupEnv
	}
	return s
}
