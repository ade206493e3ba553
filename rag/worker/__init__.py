"""Indexing by several machines: jobs in a queue in PostgreSQL, and workers that do them.

Whoever sees what changed puts a job for each file into the queue (`enqueue`); workers on any machine that reaches the
documents by the same paths read, embed and put in one file each (`work`). The queue is procrastinate's.
"""

from rag.worker.asking import enqueue, sync_by_workers
from rag.worker.queue import Queue
from rag.worker.work import Work, work

__all__ = ["Queue", "Work", "enqueue", "sync_by_workers", "work"]
