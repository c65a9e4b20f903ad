// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package digitalocean gives the fake cloud the face of DigitalOcean: the API for
// reserved IPs as far as fipctl and its users touch it, and each droplet's
// metadata service. Import it as fakedo.
//
// It answers as the public API reference and the clients' sources say the service
// does. Where neither says anything (the text of most 422 answers, the metadata of
// an inactive reserved IP) it picks one plausible behaviour that clients must not
// build on. It never decides who holds an address; the model does.
//
// Droplet ids are decimal: instances of the model need ids such as "1001".
package digitalocean
