#!/usr/bin/env node
import '../dist/host/node/cli.js';
