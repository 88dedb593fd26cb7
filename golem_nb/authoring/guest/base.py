"""What every component of a program in Python has: modules that are imported while it is built, so that they are there
at run time, and doors for output, HTTP and random numbers in the place of CPython's own.
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

import stdlib
import streams
import web

modules = stdlib.Modules()
sys.argv[:] = ["worker"]
sys.stdin, sys.stdout, sys.stderr = streams.NoInput(), streams.Lines(sys.__stdout__), streams.Lines(sys.__stderr__)
web.install()


def flush():
    sys.stdout.flush()
    sys.stderr.flush()


def _seed_once(*_):
    """Seed `random`, which starts anew in each worker, with one draw of random bytes; its own way takes ten."""
    random.seed = _seed
    random.seed(os.urandom(32))


_seed, random.seed = random.seed, _seed_once


def done():
    """To be called when all is imported that the build has as files."""
    modules.collect("/python")
    sys.path[:] = ["/"]  # the worker's own files
    sys.path_importer_cache.clear()
    sys.meta_path.insert(2, modules)  # behind what is built in or frozen, before files
    gc.collect()
    gc.freeze()
