"""``python -m nnabla_cli`` is the same as ``nnabla_cli``."""

import sys

from nnabla_cli.main import main

sys.exit(main())
