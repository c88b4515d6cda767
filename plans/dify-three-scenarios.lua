-- The three scenarios of the published Dify test: a simple chatflow, a complex agent flow, knowledge retrieval.
-- Each app has its own key:
--   spate run plans/dify-three-scenarios.lua -H http://dify.example.com \
--     -e simple_key=app-… -e complex_key=app-… -e dataset_key=dataset-… -e dataset=ID -u 50 -r 5 -t 5m
local spate = require("spate")
local dify = require("spate.dify")

local simple = dify.app { key = spate.param("simple_key", { description = "API key of the simple chatflow (start → answer)" }) }
local complex = dify.app { key = spate.param("complex_key", { description = "API key of the complex chatflow" }) }
local knowledge = dify.app { key = spate.param("dataset_key", { description = "knowledge API key (dataset-…)" }) }
local dataset = spate.param("dataset", { description = "id of the knowledge base" })

spate.user("ChatUser", {
  weight = 3,
  think = spate.between(1, 3),
  tasks = {
    -- a fixed sentence: what the API layer itself costs
    ["simple chat"] = {
      weight = 2,
      run = function(user)
        local answer = simple:chat(user, { query = "请简单介绍一下你自己", timeout = 60 })
        if answer.ok then user:check(answer.text ~= "", "empty answer") end
      end,
    },
    -- condition, function call, plugin, vector search: many steps
    ["complex chat"] = {
      weight = 1,
      run = function(user)
        local answer = complex:chat(user, {
          query = "我需要申请一台新电脑,请指导我完成流程",
          inputs = { dept = "IT" },
          timeout = 120,
        })
        if answer.ok then user:check(answer.text ~= "", "empty answer") end
      end,
    },
  },
})

spate.user("RetrieveUser", {
  weight = 1,
  think = spate.between(2, 5),
  tasks = {
    ["file retrieval"] = function(user)
      local found = knowledge:retrieve(user, dataset, {
        query = "流程审批是什么?如果有图片,请一起返回",
        retrieval_model = { search_method = "hybrid_search", reranking_enable = false, score_threshold_enabled = false },
        timeout = 30,
      })
      if found.ok then user:check(found.json and #found.json.records > 0, "nothing found") end
    end,
  },
})

spate.load { users = 50, spawn_rate = 5, run_time = "5m" }
