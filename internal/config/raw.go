// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package config

// rawFile is the file as it was written: a nil pointer is a key that is not
// there, or one whose value was refused. The names are those of the file.
type rawFile struct {
	Node      *text                   `yaml:"node"`
	Cluster   *rawCluster             `yaml:"cluster"`
	Nodes     []*rawNode              `yaml:"nodes"`
	Listen    *text                   `yaml:"listen"`
	Control   *rawControl             `yaml:"control"`
	StateDir  *text                   `yaml:"state_dir"`
	Metrics   *rawMetrics             `yaml:"metrics"`
	Log       *rawLog                 `yaml:"log"`
	Groups    []*rawGroup             `yaml:"groups"`
	Providers map[string]*rawProvider `yaml:"providers"`
}

type rawCluster struct {
	ID             *text `yaml:"id"`
	KeyFile        *text `yaml:"key_file"`
	AdvertInterval *span `yaml:"advert_interval"`
}

type rawNode struct {
	Name    *text             `yaml:"name"`
	Address *text             `yaml:"address"`
	Target  map[string]*ident `yaml:"target"`
}

type rawControl struct {
	Socket *text      `yaml:"socket"`
	Mode   *fileMode  `yaml:"mode"`
	Group  *text      `yaml:"group"`
	Reader *rawReader `yaml:"reader"`
}

type rawReader struct {
	Socket *text     `yaml:"socket"`
	Mode   *fileMode `yaml:"mode"`
	Group  *text     `yaml:"group"`
}

type rawMetrics struct {
	Listen      *text   `yaml:"listen"`
	AllowRemote *toggle `yaml:"allow_remote"`
}

type rawLog struct {
	Level  *text `yaml:"level"`
	Format *text `yaml:"format"`
}

type rawGroup struct {
	Name           *text              `yaml:"name"`
	VRID           *number            `yaml:"vrid"`
	Preempt        *toggle            `yaml:"preempt"`
	PreemptDelay   *span              `yaml:"preempt_delay"`
	Priority       map[string]*number `yaml:"priority"`
	Addresses      []*rawAddress      `yaml:"addresses"`
	Checks         []*rawCheck        `yaml:"checks"`
	Probe          *rawProbe          `yaml:"probe"`
	ClaimTimeout   *span              `yaml:"claim_timeout"`
	DisplacedRetry *spanOrNever       `yaml:"displaced_retry"`
	OnMoved        *text              `yaml:"on_moved"`
	OnNotAnswering *text              `yaml:"on_not_answering"`
}

type rawAddress struct {
	Provider *text    `yaml:"provider"`
	Kind     *text    `yaml:"kind"`
	IP       *text    `yaml:"ip"`
	ID       *ident   `yaml:"id"`
	Subnet   *ident   `yaml:"subnet"`
	Tables   []*ident `yaml:"tables"`
}

// rawQuestion is what a check and a probe have in common.
type rawQuestion struct {
	HTTP      *text            `yaml:"http"`
	TCP       *text            `yaml:"tcp"`
	Exec      *command         `yaml:"exec"`
	Process   *text            `yaml:"process"`
	Host      *text            `yaml:"host"`
	Status    *statusRange     `yaml:"status"`
	Redirects *number          `yaml:"redirects"`
	Insecure  *toggle          `yaml:"insecure"`
	Env       map[string]*text `yaml:"env"`
	User      *ident           `yaml:"user"`
}

type rawCheck struct {
	Name *text `yaml:"name"`
	rawQuestion
	Interval *span   `yaml:"interval"`
	Timeout  *span   `yaml:"timeout"`
	Rise     *number `yaml:"rise"`
	Fall     *number `yaml:"fall"`
	Weight   *number `yaml:"weight"`
}

type rawProbe struct {
	rawQuestion
}

type rawProvider struct {
	TokenFile        *text   `yaml:"token_file"`
	CredentialsFile  *text   `yaml:"credentials_file"`
	Region           *text   `yaml:"region"`
	Network          *text   `yaml:"network"`
	Role             *text   `yaml:"role"`
	Endpoint         *text   `yaml:"endpoint"`
	MetadataEndpoint *text   `yaml:"metadata_endpoint"`
	CallsPerHour     *number `yaml:"calls_per_hour"`
}
