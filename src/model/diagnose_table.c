/* The one list of families. */
#include "model/diagnose_rules.h"

static const struct sp_rules *const families[] = {&sp_rules_cpu,   &sp_rules_database, &sp_rules_slots,
                                                  &sp_rules_calls, &sp_rules_machine,  &sp_rules_network,
                                                  &sp_rules_stream};

const struct sp_rules *sp_rules_at(size_t i) { return i < sizeof(families) / sizeof(families[0]) ? families[i] : NULL; }
