// SPDX-License-Identifier: Apache-2.0
// Copyright The fipctl Authors

// Package archtest holds the tests of what no single package can test: who may
// import whom, how files and comments look, and that the documents, the examples
// and the program still agree. It contains no code of its own and nothing imports
// it.
//
// A rule is a row of a table: a claim, the reason for it (printed when the claim
// fails), a check over the repository, and a small counter-example that the check
// must catch. Whoever adds a rule
//
//  1. gives a counter-example, so that a rule that cannot fail is not taken for
//     one that holds,
//  2. names packages and modules only through the tables that verify that they
//     still exist, and
//  3. excepts nothing without a reason beside the exception.
package archtest
