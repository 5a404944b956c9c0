// SPDX-License-Identifier: Apache-2.0

// A relying party on Go's crypto/x509: CrlRp CA.pem LIST.crl CERT.pem prints
// "good" or "revoked REASON" after it has checked signature, issuer and times.
package main

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"os"
	"time"
)

func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "CrlRp:", err)
		os.Exit(1)
	}
}

func certificate(path string) *x509.Certificate {
	text, err := os.ReadFile(path)
	die(err)
	block, _ := pem.Decode(text)
	c, err := x509.ParseCertificate(block.Bytes)
	die(err)
	return c
}

func main() {
	ca, cert := certificate(os.Args[1]), certificate(os.Args[3])
	der, err := os.ReadFile(os.Args[2])
	die(err)
	list, err := x509.ParseRevocationList(der)
	die(err)
	die(list.CheckSignatureFrom(ca))
	if now := time.Now(); now.Before(list.ThisUpdate) || !now.Before(list.NextUpdate) {
		die(fmt.Errorf("not in force"))
	}
	if list.Number == nil || list.Number.Sign() <= 0 {
		die(fmt.Errorf("no number"))
	}
	for _, e := range list.RevokedCertificates {
		if e.SerialNumber.Cmp(cert.SerialNumber) != 0 {
			continue
		}
		reason := asn1.Enumerated(-1)
		for _, x := range e.Extensions {
			if x.Id.String() == "2.5.29.21" {
				_, err := asn1.Unmarshal(x.Value, &reason)
				die(err)
			}
		}
		fmt.Println("revoked", reason)
		return
	}
	fmt.Println("good")
}
