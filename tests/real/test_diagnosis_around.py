"""From end to end, as test_diagnosis_waits.py: what stands around the application, a proxy and the watchers' own ways."""
import cases
import targets
import targets_around
from support import main


class Around(cases.Held):
  def test_buffering(self):
    self.names(targets_around.buffering_proxy)

  def test_a_proxy_that_passes_streams(self):
    self.names_nobody(targets_around.proxy_that_passes)

  def test_a_watcher_that_is_cut_off(self):
    _, result = self.names(targets.watcher_cut_off)
    self.assertIn("the connection is lost", result.out + result.err + str(result.json["watch"]))


if __name__ == "__main__":
  main()
