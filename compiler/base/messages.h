/* messages.h - every diagnostic that tentc can print: number, severity, name, meaning.
 *
 * Numbers are stable: never reuse one, never change its meaning. Each has a golden case under testdata/, and a line in
 * docs/messages.md, which is printed from this table. Ranges: 1 text and streams, 100 contracts, 150 network, 200
 * manifests, 250 workloads, 300 configuration, 400 keys, 500 files. */
#ifndef TC_MESSAGES_H
#define TC_MESSAGES_H

/* clang-format off */
#define TC_MESSAGES(X) \
	/* text and streams */ \
	X(1, ERROR, TOO_LARGE, "The input is larger than the limit. Split it into several files.") \
	X(2, ERROR, UTF16, "The text is UTF-16 or UTF-32. Kubernetes reads UTF-8 only: save it as UTF-8.") \
	X(3, ERROR, BAD_BYTE, "A byte that no YAML or JSON text may hold: invalid UTF-8 or a control character. Often the file is not text at all.") \
	X(4, ERROR, BAD_SEPARATOR, "A line that begins with --- holds something else. Kubernetes refuses the stream: put the content on the next line.") \
	X(5, ERROR, DIRECTIVE, "A %YAML or %TAG directive. Kubernetes cuts documents in a way that loses it: remove the line.") \
	X(6, ERROR, AFTER_END, "Content after a document end marker (...), which kubectl drops silently. Begin it with --- or remove it.") \
	X(7, ERROR, LONE_CR, "A second document that kubectl would drop silently, because its separator stands behind a lone carriage return. Use LF or CRLF line ends.") \
	X(8, ERROR, TOO_DEEP, "Collections are nested deeper than the limit.") \
	X(9, ERROR, TOO_MANY_NODES, "One document holds more nodes than the limit. Split it.") \
	X(10, ERROR, TOO_MANY_DOCUMENTS, "The stream holds more documents than the limit. Split it into several files.") \
	X(11, ERROR, EXPANDS_TOO_FAR, "Aliases make the document larger than the limit when they are followed.") \
	X(12, ERROR, SYNTAX_YAML, "The text is not YAML as Kubernetes reads it.") \
	X(13, ERROR, SYNTAX_JSON, "The text is not JSON (RFC 8259).") \
	X(14, ERROR, DUPLICATE_KEY, "A mapping has a key twice, or two keys that Kubernetes reads as one string. One value would be lost.") \
	X(15, ERROR, UNKNOWN_ALIAS, "An alias names no anchor of this document, or stands inside its own anchor.") \
	X(16, ERROR, BAD_MERGE, "A merge key (<<) needs a mapping or a list of mappings.") \
	X(17, ERROR, NOT_FINITE, "A number that JSON does not have (.inf, .nan). Quote it if it is text.") \
	X(18, ERROR, BAD_TAG, "A value that does not fit its tag, such as !!int \"x\".") \
	X(19, ERROR, BAD_KEY, "A mapping key that is a collection or null. Kubernetes keys are strings.") \
	X(20, WARNING, NO_DOCUMENT, "The input holds no document, only blanks and comments, so there is nothing to compile.") \
	/* contracts */ \
	X(100, ERROR, NOT_A_CONTRACT, "What stands where a contract is expected is not a mapping.") \
	X(101, ERROR, CONTRACT_VERSION, "The contract's version is not one this tentc knows.") \
	X(102, ERROR, BAD_FIELD_TYPE, "A field of the contract has the wrong type.") \
	X(103, WARNING, UNKNOWN_CONTRACT_FIELD, "A field of the contract that tentc does not know and ignores.") \
	X(104, ERROR, TOO_MANY_DEPENDENCIES, "A contract has more dependencies, or rules of additionalEgress, than the limit. Split the tentacle.") \
	X(110, ERROR, UNKNOWN_DEPENDENCY, "A name that begins with tentacular- is the platform's, and the platform has no such service.") \
	X(111, ERROR, SERVICE_OFF, "The contract asks for a service that the configuration has switched off.") \
	X(112, ERROR, DECLARED_TWICE, "Two dependencies name the same service.") \
	X(113, ERROR, FIELD_CONFLICT, "A field of the author's contradicts the value that tentc derives. Remove the field, or declare a dependency of your own.") \
	X(114, ERROR, BAD_PROTOCOL, "A protocol that this service is not spoken to with.") \
	X(115, WARNING, UNKNOWN_SERVICE_FIELD, "A field of a tentacular-* dependency that tentc does not know and ignores.") \
	X(116, ERROR, BAD_CONSUMES, "A tentacle named under consumes is not a valid name, or is the tentacle itself.") \
	/* network */ \
	X(150, ERROR, BAD_HOST, "A host is a DNS name or an IP address, nothing else: it ends up in rules and flags.") \
	X(151, ERROR, BAD_PORT, "A port is a number from 1 to 65535, with a protocol in dynPorts and ports: \"443/TCP\".") \
	X(152, ERROR, NO_PORT, "A dependency with a host but without a port, and with a protocol that has no usual one.") \
	X(153, ERROR, BAD_CIDR, "A block of addresses is not one, such as 203.0.113.0/24.") \
	X(154, ERROR, PRIVATE_CIDR, "Private, link-local and metadata ranges need the platform's consent: network.allowedCidrs.") \
	X(155, ERROR, FOREIGN_NAMESPACE, "A host in another namespace of the cluster needs the platform's consent: network.allowedNamespaces.") \
	X(156, ERROR, PLATFORM_HOST, "A dependency of the author's own names a host of the platform. Declare the service instead.") \
	X(157, ERROR, NO_TARGET, "A dependency that needs a host or a block of addresses has none.") \
	/* manifests */ \
	X(200, ERROR, NO_ENCLAVE, "The namespace of a tentacle is not known. Give metadata.namespace or --enclave.") \
	X(201, ERROR, OTHER_ENCLAVE, "metadata.namespace and --enclave differ.") \
	X(202, ERROR, BAD_NAME, "An enclave or a tentacle has a name that is not an RFC 1123 label.") \
	X(203, ERROR, NO_NAME, "A tentacle has no name: give the workflow a name, or the workload metadata.name.") \
	X(204, ERROR, NAME_TAKEN, "Two workloads, of whatever kind, have one name in one enclave. A tentacle's name is its identity.") \
	X(205, ERROR, TWO_CONTRACTS, "Two different contracts for one workload.") \
	X(206, ERROR, RESERVED_OBJECT, "An object has a name that tentc uses, but does not carry tentc's labels.") \
	X(207, ERROR, BAD_OBJECT, "An object is not shaped as Kubernetes has it, so that tentc cannot read or extend it.") \
	X(208, ERROR, WRAPPED_CONTRACT, "An annotation holds the contract itself, without a contract: line around it.") \
	X(209, ERROR, ANNOTATION_TOO_LARGE, "A contract in an annotation may have 64 KiB.") \
	X(210, WARNING, UNKNOWN_LEVEL, "The object asks for a level that this tentc does not know; it is left as it is.") \
	X(211, ERROR, BAD_ANNOTATION, "A tentacular.io/ annotation has a value that tentc cannot read, or a ledger that it did not write.") \
	X(212, WARNING, NO_CONTRACT, "No document has a contract, so nothing was changed.") \
	X(213, ERROR, RECOMPILED, "A compiled workflow.yaml on its own keeps no record of what was filled in. Compile the source instead.") \
	X(214, WARNING, ORPHAN, "An object that tentc made leaves the output, and nothing of its tentacle is in the input. Compile it together with its workload.") \
	X(215, WARNING, CONTRACT_IGNORED, "An annotation of tentc's stands where it has no effect: on an object that is no workload, in a pod template, or misspelt.") \
	X(216, WARNING, OTHER_CONFIGURATION, "An object was compiled with another configuration than the server's, or its contract was edited since. Give tentc compile the file that the server has.") \
	X(217, WARNING, NOT_UP_TO_DATE, "A request that changes neither contract nor pod template is never touched, so that it can never roll pods. The next one that does, brings the object up to date.") \
	X(218, WARNING, FIXED_TEMPLATE, "The pod template of a Job cannot change any more. Delete the Job and create it again.") \
	X(219, WARNING, AUDIT_ONLY, "In the mode audit nothing is changed and nothing denied: what would have been is only said.") \
	X(220, ERROR, CONTRACT_TOO_LARGE, "Admission reads 256 KiB of contracts in ConfigMaps for one object, 20000 values in each and 40000 in all. tentc compile takes more.") \
	X(221, ERROR, GENERATED_NAME, "In the cluster a tentacle has a name of its own: with generateName its pods would carry an identity that is not their workload's.") \
	/* workloads */ \
	X(250, ERROR, RESERVED_NAME, "A volume, container variable or label of the author's has a name that tentc uses.") \
	X(251, ERROR, MOUNT_TAKEN, "Something that cannot be combined is mounted at /app/secrets already.") \
	X(252, WARNING, HOST_NETWORK, "The pod uses the node's network, which NetworkPolicies do not reach.") \
	X(253, WARNING, EGRESS_RESTRICTED, "Nothing in the input restricted what these pods may reach; from now on only what the contract declares.") \
	X(254, ERROR, UNKNOWN_CONTAINER, "tentacular.io/inject-containers names a container that the pod does not have.") \
	X(255, ERROR, RELEASE_LABEL, "The pod template's label tentacular.io/release is not the tentacle's name.") \
	/* configuration */ \
	X(300, ERROR, NOT_A_CONFIG, "The configuration file is not an ExoskeletonConfig of tentacular.io/v1alpha1.") \
	X(301, ERROR, UNKNOWN_CONFIG_KEY, "The configuration has no such key.") \
	X(302, ERROR, BAD_CONFIG_VALUE, "A value of the configuration is not allowed there.") \
	X(303, ERROR, OUTSIDE_HOST, "A service outside the cluster needs network.cidrs: a NetworkPolicy knows no names.") \
	X(304, ERROR, BAD_TEMPLATE, "A template of the configuration, with this enclave's name filled in, gives a name that the service does not allow. Shorten one of the two.") \
	/* keys */ \
	X(400, ERROR, BAD_KEY_FILE, "The root key file has a line that is not `<key id>: <base64 of 32 bytes>`.") \
	X(401, ERROR, NO_SUCH_KEY, "The root key file lacks the key that the configuration names (credentials.keyId).") \
	/* files */ \
	X(500, ERROR, CANNOT_READ, "A file or folder cannot be read.") \
	X(501, ERROR, NO_INPUT, "There is nothing to read: no argument, or a folder without a .yaml, .yml or .json file.")
/* clang-format on */

#endif
