// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

package cloudhttp

import (
	"crypto/x509"
	"errors"
	"fmt"
)

// certificate adds to an error about the certificate of whoever answered what to do about
// it. It may be somebody on the way, so the error stays one that may pass by itself.
func certificate(err error, w where) error {
	var (
		unknown x509.UnknownAuthorityError
		roots   x509.SystemRootsError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		remedy  string
	)
	switch {
	case errors.As(err, &roots), errors.As(err, &unknown):
		remedy = "install or renew this machine's CA certificates (package ca-certificates, or SSL_CERT_FILE), and see that nobody on the way answers in its place"
	case errors.As(err, &name):
		remedy = "look at the endpoint, and at what answers in its place"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		remedy = "look at the clock of this machine; if it is right, whoever runs the server has to renew the certificate"
	case errors.As(err, &invalid):
		remedy = "whoever runs the server has to replace the certificate"
	default:
		return err
	}
	return fmt.Errorf("the certificate of %v is refused: %w; %s", w, err, remedy)
}
