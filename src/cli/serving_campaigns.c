/* The calls of docs/web-api.md that show tuning campaigns. */
#include "cli/history_place.h"
#include "cli/serving_inside.h"
#include "report/campaign.h"

#include <stdlib.h>

static const struct sp_options *options_of(void *ctx) { return ((const struct sp_serving *)ctx)->conf.options; }

static void fail(struct sp_web_answer *answer, const struct sp_err *err) {
  sp_web_answer_error(answer, err->code == SP_ENOTFOUND ? 404 : 503, NULL, "%s", err->text);
}

static void put(struct sp_web_answer *answer, char *text, const struct sp_err *err) {
  if (text) sp_buf_append_text(&answer->body, text);
  else fail(answer, err);
  free(text);
}

void sp_serving_campaigns(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_err err;
  struct sp_store *store = sp_history_open(options_of(ctx), &err);
  (void)form;
  if (store) put(answer, sp_campaign_list_json(store, &err), &err);
  else if (err.code == SP_ENOTFOUND) sp_buf_append_text(&answer->body, "{\"campaigns\":[]}\n"); /* nothing was kept yet */
  else fail(answer, &err);
  sp_store_close(store);
}

void sp_serving_campaign(void *ctx, const struct sp_web_form *form, struct sp_web_answer *answer) {
  struct sp_campaign campaign;
  struct sp_err err;
  const char *name = sp_web_form_query(form, "name");
  if (!name || !*name) {
    sp_web_answer_error(answer, 400, "name", "a campaign is asked for by its name: name=");
    return;
  }
  struct sp_store *store = sp_history_open(options_of(ctx), &err);
  if (!store) {
    fail(answer, &err);
    return;
  }
  char *text = sp_campaign_make(store, name, &campaign, &err) ? NULL : sp_campaign_json(&campaign);
  put(answer, text, &err);
  sp_campaign_fini(&campaign);
  sp_store_close(store);
}
