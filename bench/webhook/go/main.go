// The peer of bench/webhook: an admission webhook of equal function, as one writes it with controller-runtime.
//
//	webhook PORT CERTDIR
//
// It decodes a Deployment, reads the contract in its annotation, adds labels, annotations, the Secret's volume and a mount
// for each container, and answers with the JSON patch that controller-runtime derives.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
	"sigs.k8s.io/yaml"
)

const (
	prefix     = "tentacular.io/"
	volumeName = "tentacular-exoskeleton"
	mountPath  = "/app/secrets"
)

type dependency struct {
	Protocol string   `json:"protocol,omitempty"`
	Host     string   `json:"host,omitempty"`
	Port     int      `json:"port,omitempty"`
	Database string   `json:"database,omitempty"`
	User     string   `json:"user,omitempty"`
	Subject  string   `json:"subject,omitempty"`
	Consumes []string `json:"consumes,omitempty"`
}

type contract struct {
	Version      string                 `json:"version"`
	Dependencies map[string]*dependency `json:"dependencies"`
}

// The fields of each service that stand in the Secret, and so in the volume's items.
var services = map[string]struct {
	protocols []string
	fields    []string
}{
	"tentacular-postgres": {[]string{"postgres", "postgresql"},
		[]string{"protocol", "host", "port", "database", "user", "password", "uri"}},
	"tentacular-nats": {[]string{"nats", "tls"},
		[]string{"protocol", "host", "port", "user", "subject", "token", "inbox_prefix"}},
	"tentacular-rustfs": {[]string{"s3", "http", "https", "rustfs"},
		[]string{"protocol", "host", "port", "bucket", "prefix", "region", "access_key", "secret_key"}},
}

type injector struct{ decoder admission.Decoder }

func (i *injector) Handle(_ context.Context, req admission.Request) admission.Response {
	deployment := &appsv1.Deployment{}
	if err := i.decoder.Decode(req, deployment); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	text, ok := deployment.Annotations[prefix+"contract"]
	if !ok {
		return admission.Allowed("no contract")
	}
	var c contract
	if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
		return admission.Errored(http.StatusUnprocessableEntity, err)
	}
	keys, err := check(&c, req.Namespace, deployment.Name)
	if err != nil {
		return admission.Denied(err.Error())
	}
	inject(deployment, keys, text)
	raw, err := json.Marshal(deployment)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(req.Object.Raw, raw)
}

// check validates, and names the keys of the Secret in their order.
func check(c *contract, enclave, name string) ([]string, error) {
	for _, n := range []string{enclave, name} {
		if problems := validation.IsDNS1123Label(n); len(problems) > 0 {
			return nil, fmt.Errorf("%q: %s", n, problems[0])
		}
	}
	var keys []string
	for dep, d := range c.Dependencies {
		service, known := services[dep]
		if !known {
			if len(dep) > 11 && dep[:11] == "tentacular-" {
				return nil, fmt.Errorf("unknown dependency %q", dep)
			}
			if d == nil || len(validation.IsDNS1123Subdomain(d.Host)) > 0 {
				return nil, fmt.Errorf("dependency %q has no valid host", dep)
			}
			continue
		}
		if d != nil && d.Protocol != "" && !slices.Contains(service.protocols, d.Protocol) {
			return nil, fmt.Errorf("dependency %q: protocol %q is not one of %v", dep, d.Protocol, service.protocols)
		}
		for _, field := range service.fields {
			keys = append(keys, dep+"."+field)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func set(m *map[string]string, key, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[key] = value
}

func inject(d *appsv1.Deployment, keys []string, text string) {
	hash := sha256.Sum256([]byte(text))
	set(&d.Annotations, prefix+"compiled", hex.EncodeToString(hash[:8]))
	set(&d.Annotations, prefix+"level", "1")
	set(&d.Spec.Template.Labels, prefix+"release", d.Name)
	set(&d.Spec.Template.Labels, prefix+"exoskeleton", "true")
	spec := &d.Spec.Template.Spec
	items := make([]corev1.KeyToPath, 0, len(keys))
	for _, key := range keys {
		items = append(items, corev1.KeyToPath{Key: key, Path: key})
	}
	volume := corev1.Volume{Name: volumeName, VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: volumeName + "-" + d.Name, Items: items}}}
	if at := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == volumeName }); at >= 0 {
		spec.Volumes[at] = volume
	} else {
		spec.Volumes = append(spec.Volumes, volume)
	}
	mount := corev1.VolumeMount{Name: volumeName, MountPath: mountPath, ReadOnly: true}
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range list {
			if !slices.ContainsFunc(list[i].VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == mountPath }) {
				list[i].VolumeMounts = append(list[i].VolumeMounts, mount)
			}
		}
	}
	// What was filled in, so that it can be undone.
	filled, _ := json.Marshal(map[string]string{
		"/spec/template/metadata/labels/" + prefix + "release": d.Name,
		"/spec/template/spec/volumes/[" + volumeName + "]":     "true",
	})
	set(&d.Annotations, prefix+"filled", string(filled))
}

func run() error {
	if len(os.Args) != 3 {
		return fmt.Errorf("give PORT and CERTDIR")
	}
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	ctrl.SetLogger(logr.Discard())
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		return err
	}
	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: port, CertDir: os.Args[2],
		TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}})
	hook := &admission.Webhook{Handler: &injector{admission.NewDecoder(scheme)}}
	server.Register("/mutate", hook)
	return server.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		os.Exit(1)
	}
}
