/* fleet.h - many tentacles registered at once: each service goes its own way, in threads with a crew each, and what it
 * did is told tentacle by tentacle, in the order they were given.
 *
 * Where there are many, a service is surveyed once; what many can be given in one go is given so; the rest is done one
 * by one on sessions that are kept. A service that has failed several times in a row is asked whether it is there, and
 * when it is not, nobody waits for it again. */
#ifndef TC_FLEET_H
#define TC_FLEET_H

#include "registrars/tentacle.h"

struct tc_fleet;

struct tc_fleet_conf {
	/* What it points to outlives the fleet. admin is called by several threads, one at a time; step is not used. */
	struct tc_crew_conf crew;
	const struct tc_wanted *wants; /* borrowed */
	size_t nwants;
	bool plan; /* look, and change nothing */
};

/* Begins at once. */
struct tc_fleet *tc_fleet_start(const struct tc_fleet_conf *conf);
/* Waits for the next step in the nth service of a tentacle, in *what, borrowed; false: it has ended there. */
bool tc_fleet_step(struct tc_fleet *f, size_t tentacle, size_t nth, const char **what);
/* How it ended; borrowed. */
const struct tc_settled *tc_fleet_settled(const struct tc_fleet *f, size_t tentacle, size_t nth);
/* Ends what it still does. */
void tc_fleet_free(struct tc_fleet *f);
TC_DEFINE_CLEANUP(struct tc_fleet, tc_fleet_free)

#endif
