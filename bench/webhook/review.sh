#!/bin/sh
# review.sh BYTES - the AdmissionReview of a Deployment with a contract, of about so many bytes; equal every time.
awk -v bytes="${1:-8192}" '
function add(s) { text = text s }
BEGIN {
	add("{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{")
	add("\"uid\":\"705ab4f5-6393-11e8-b7cc-42010a800002\",")
	add("\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":\"Deployment\"},")
	add("\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},")
	add("\"requestKind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":\"Deployment\"},")
	add("\"requestResource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},")
	add("\"name\":\"web\",\"namespace\":\"shop\",\"operation\":\"CREATE\",")
	add("\"userInfo\":{\"username\":\"admin\",\"groups\":[\"system:authenticated\"]},")
	add("\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",")
	add("\"namespace\":\"shop\",\"labels\":{\"app\":\"web\"},\"annotations\":{\"tentacular.io/contract\":")
	add("\"version: \\\"1\\\"\\ndependencies:\\n  tentacular-postgres:\\n  tentacular-nats:\\n")
	add("  github:\\n    protocol: https\\n    host: api.github.com\\n\"}},")
	add("\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":{")
	add("\"metadata\":{\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"server\",")
	add("\"image\":\"registry.example.com/shop/web:v1\",\"ports\":[{\"containerPort\":8080}],")
	add("\"resources\":{\"limits\":{\"cpu\":\"200m\",\"memory\":\"128Mi\"}},\"env\":[")
	tail = "]}]}}}},\"oldObject\":null,\"dryRun\":false,\"options\":{\"kind\":\"CreateOptions\"," \
		"\"apiVersion\":\"meta.k8s.io/v1\"}}}"
	for (i = 0; i == 0 || length(text) + length(tail) < bytes; i++) {
		add(i ? "," : "")
		add(sprintf("{\"name\":\"SETTING_%03d\",\"value\":\"service-%d.shop.svc.cluster.local:8080\"}", i, i))
	}
	printf "%s%s", text, tail
}'
