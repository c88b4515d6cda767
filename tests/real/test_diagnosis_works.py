"""From end to end, as test_diagnosis_waits.py: targets whose trouble is work, or whose whole machine is watched: nothing else
may run on it meanwhile."""
import cases
import targets
import targets_around
from support import main


class Working(cases.Held):
  def test_statement(self):
    self.names(targets.slow_statement)

  def test_cache(self):
    self.names(targets.slow_command)

  def test_two_at_once(self):
    found, _ = self.names(targets.locks_and_commands)
    both = [found["culprit"], *(other["resource"] for other in found["also"])]
    self.assertEqual({"postgres.locks", "redis.main_thread"} - set(both), set(), found)

  def test_through_prometheus(self):
    self.names(targets_around.seen_by_prometheus)

  def test_quota(self):
    self.names(targets_around.under_quota)

  def test_the_generator_itself(self):
    _, result = self.names(targets_around.starved_generator)
    self.assertEqual((result.code, result.json["validity"]["valid"]), (4, False), str(result))


if __name__ == "__main__":
  main()
