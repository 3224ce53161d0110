/* tls.h - what a client of the webhook must speak: TLS 1.2 or 1.3, forward secrecy, authenticated ciphers.
 *
 * Without tickets: nothing of a session outlives it, so no key of ours does. The server does not renegotiate (it treats
 * a request for that as an error); safe renegotiation stays announced, because clients ask for it. */
#ifndef TC_TLS_H
#define TC_TLS_H

#define TC_TLS_PRIORITIES                                                                                              \
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+ECDHE-ECDSA:+ECDHE-RSA:"   \
	"+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384:+SIGN-ECDSA-SHA512:"    \
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-RSA-PSS-SHA256:" \
	"+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256:+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-SHA384:+SIGN-EDDSA-ED25519:"   \
	"+COMP-NULL:+CTYPE-X509:%SERVER_PRECEDENCE:%NO_TICKETS"

#endif
