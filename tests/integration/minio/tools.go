//go:build tools

// Package tools names the S3 server that s3_server.py builds, so that go.sum pins it and all it is made of.
package tools

import _ "github.com/minio/minio"
