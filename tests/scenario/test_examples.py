"""Every file in plans/ runs against the mock as it is: what its reader copies works."""
import glob
import os

from support import MockCase, main, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What a plan must be told; the others get a chat app's key, and none where they ask for none.
SETTINGS = {
  "dify-three-scenarios.lua": {"simple_key": "app-simple", "complex_key": "app-complex", "dataset_key": "dataset-demo",
                               "dataset": "1"},
  "replay.lua": {"key": "app-chat", "trace": os.path.join(ROOT, "plans", "replay.jsonl")},
}


class Examples(MockCase):
  pass


def example(path):
  name = os.path.basename(path)
  with open(path, encoding="utf-8") as file:
    default = {"key": "app-chat"} if 'spate.param("key"' in file.read() else {}

  def test(self):
    settings = [word for key, value in SETTINGS.get(name, default).items() for word in ("-e", f"{key}={value}")]
    result = run(path, "-H", self.mock.url, "-u", 8, "--iterations", 16, *settings)
    self.expect_code(result, 0)
    self.assertEqual((result.totals["failed"], result.totals["task_errors"]), (0, 0), str(result))
    self.assertGreater(result.totals["started"], 0)
  return test


for found in sorted(glob.glob(os.path.join(ROOT, "plans", "*.lua"))):
  setattr(Examples, "test_" + os.path.basename(found)[:-4].replace("-", "_"), example(found))

if __name__ == "__main__":
  main()
