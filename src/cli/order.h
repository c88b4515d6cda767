/*
 * A run as the page asked for it: the command line's options, with the page's on top, read by the command line's own
 * readers, and the setup they come to. Owns every text of it.
 *
 * Of options the page may give those that say what to run, how much, and what it is held to; never one that names a
 * file or an address of this machine. Plans are those that were offered.
 */
#ifndef SP_CLI_ORDER_H
#define SP_CLI_ORDER_H

#include "cli/setup.h"
#include "web/form.h"

#define SP_ORDER_TEXTS_MAX (3u * SP_WEB_PAIRS_MAX + 8u) /* an option's value, a setting's key and value; host, plan … */

struct sp_order {
  struct sp_options options;
  struct sp_setup setup;
  bool settled;
  char *texts[SP_ORDER_TEXTS_MAX];
  size_t text_count;
};

/* Reads the form. `base`: the command line's options; its arguments are the plans offered beside the built-ins.
 * *field: the member at fault, static or of the form; NULL where it is more than one. The order is freed with
 * sp_order_fini in any case. */
int sp_order_read(struct sp_order *order, const struct sp_options *base, const struct sp_web_form *form, const char **field,
                  struct sp_err *err);
/* Loads the plan and settles the load: ready to run. *field as above, up to the order's end. */
int sp_order_settle(struct sp_order *order, const char **field, struct sp_err *err);
void sp_order_fini(struct sp_order *order);

bool sp_plan_is_offered(const struct sp_options *base, const char *name);

#endif
