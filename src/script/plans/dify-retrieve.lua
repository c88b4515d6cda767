-- dify:retrieve · one search in a Dify knowledge base (hybrid search).
local spate = require("spate")
local dify = require("spate.dify")

local app = dify.app { key = spate.param("key", { description = "the knowledge API key (dataset-…)" }) }
local dataset = spate.param("dataset", { description = "the knowledge base's id" })
local query = spate.param("query", "流程审批是什么?如果有图片,请一起返回", "what each user searches for")
local method = spate.param("method", "hybrid_search", "hybrid_search, semantic_search, full_text_search or keyword_search")
local think_min = spate.param("think_min", 2, "shortest pause between two searches, seconds")
local think_max = spate.param("think_max", 5, "longest pause, seconds")

spate.user("RetrieveUser", {
  think = spate.between(think_min, think_max),
  timeout = 30,
  tasks = {
    retrieve = function(user)
      local found = app:retrieve(user, dataset, {
        query = query,
        retrieval_model = { search_method = method, reranking_enable = false, score_threshold_enabled = false },
      })
      if found.ok then user:check(found.json and found.json.records, "the answer has no records") end
    end,
  },
})

spate.load { users = 1, run_time = "1m" }
