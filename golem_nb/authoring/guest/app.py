"""The component's entry: what it exports, and what is imported while it is built, so that it is there at run time.

See world.wit for the functions. Built by `golem_nb.authoring.runtime`.
"""

# ruff: noqa: F401  imported here, modules lie in the component ready to run
import abc
import argparse
import array
import ast
import asyncio
import base64
import binascii
import bisect
import calendar
import cmath
import collections
import collections.abc
import configparser
import contextlib
import copy
import csv
import dataclasses
import datetime
import decimal
import difflib
import email.utils
import enum
import fnmatch
import fractions
import functools
import gc
import graphlib
import hashlib
import heapq
import hmac
import html
import http.client
import importlib.abc
import importlib.util
import inspect
import io
import ipaddress
import itertools
import json
import linecache
import locale
import logging
import marshal
import math
import numbers
import operator
import os
import pathlib
import pickle
import pprint
import queue
import random
import re
import sched
import secrets
import shlex
import socket
import sqlite3
import statistics
import string
import struct
import sys
import tempfile
import textwrap
import threading
import time
import timeit
import tomllib
import traceback
import types
import typing
import unicodedata
import urllib.parse
import urllib.request
import uuid
import warnings
import weakref
import xml.etree.ElementTree
import zipfile
import zlib
import zoneinfo

import golem
import program
import stdlib
import streams
import web
from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.program import Failure

modules = stdlib.Modules()
modules.collect("/python")
sys.path[:] = ["/"]  # the worker's own files
sys.path_importer_cache.clear()
sys.meta_path.insert(2, modules)  # behind what is built in or frozen, before files
sys.argv[:] = ["worker"]
sys.stdout, sys.stderr = streams.Lines(sys.__stdout__), streams.Lines(sys.__stderr__)
web.install()
golem.install()
loaded = None


class Program(exports.Program):
    def load(self, program_text):
        global loaded
        with _answering():
            given = json.loads(program_text)
            modules.sources.update({name: tuple(of) for name, of in given.get("modules", {}).items()})
            loaded = program.load(program_text)
            return json.dumps(loaded.description)

    def call(self, function, arguments):
        with _answering():
            return json.dumps(loaded.call(function, json.loads(arguments)))

    def save(self):
        with _answering():
            return loaded.save()

    def restore(self, data):
        with _answering():
            return json.dumps(loaded.restore(data))


class _answering:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        sys.stdout.flush()
        sys.stderr.flush()
        if isinstance(error, program.Failure):
            raise Err(Failure(error.kind, error.message)) from None
        return False


def _seed_once(*_):
    """Seed `random`, which starts anew in each worker, with one draw of random bytes; its own way takes ten."""
    random.seed = _seed
    random.seed(os.urandom(32))


_seed, random.seed = random.seed, _seed_once
gc.collect()
gc.freeze()
