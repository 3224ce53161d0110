/* postgres.h - what `tentc bootstrap postgres` prints and the registrar makes itself where it may: texts of one
 * wording.
 */
#ifndef TC_CONTRACT_POSTGRES_H
#define TC_CONTRACT_POSTGRES_H

/* The table of locks. Its schema is closed to everybody else, so that no tenant can hold one of its rows. */
#define TC_POSTGRES_LOCKS                                                  \
	"CREATE SCHEMA IF NOT EXISTS tentc;\n"                             \
	"REVOKE ALL ON SCHEMA tentc FROM PUBLIC;\n"                        \
	"CREATE TABLE IF NOT EXISTS tentc.lock (name text PRIMARY KEY);\n" \
	"REVOKE ALL ON TABLE tentc.lock FROM PUBLIC;\n"

#endif
