"""Process trees: a main process and all that came of it, which ends with it."""

from elasticjob_cloud.agent.process.trees.adoption import become_subreaper
from elasticjob_cloud.agent.process.trees.process_trees import ProcessTrees
from elasticjob_cloud.agent.process.trees.tree import Tree

__all__ = ["ProcessTrees", "Tree", "become_subreaper"]
