#include "http/reach.h"

void sp_http_reach_fini(struct sp_http_reach *reach) {
  sp_proxies_fini(&reach->proxies);
  sp_resolves_fini(&reach->resolves);
  sp_sources_fini(&reach->sources);
}
