//go:build !profile

package main

// profileRequests are those of a build that measures itself; see profile.go.
var profileRequests map[string]handler
