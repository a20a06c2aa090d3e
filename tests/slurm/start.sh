#!/usr/bin/env bash
# Install and start a real Slurm of one node on the loopback, for tests/workflow/test_slurm.py.
# Wants root and apt-get; leaves a machine alone that has a Slurm of its own.
# `scontrol shutdown` ends it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# The standard place: the plugin's inner srun does not pass SLURM_CONF on.
conf=/etc/slurm/slurm.conf

skip() { echo "No Slurm for the tests: $*"; exit 0; }

if [ -e "$conf" ] && ! head -n 1 "$conf" | grep -q 'Written by tests/slurm/start.sh'; then
  skip "this machine has one of its own ($conf), which is left alone"
fi
if [ ! -e "$conf" ] && sinfo >/dev/null 2>&1; then
  skip "this machine is part of a cluster, which is left alone"
fi
[ "$(id -u)" = 0 ] || skip "starting it takes root"

if ! { command -v slurmctld && command -v slurmd && command -v sinfo && command -v munged; } >/dev/null; then
  command -v apt-get >/dev/null || skip "there is no apt-get to install it with"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge >/dev/null
fi

node=$(slurmd -C | head -n 1)
mkdir -p /etc/slurm
sed -e "s/@HOST@/$(hostname -s)/" -e "s/@NODE@/$node/" "$here/slurm.conf" >"$conf"

if ! munge --no-input >/dev/null 2>&1; then
  [ -e /etc/munge/munge.key ] || runuser -u munge -- mungekey
  install -d -o munge -g munge /run/munge
  runuser -u munge -- munged
fi
install -d -o slurm -g slurm /var/lib/slurm/slurmctld /var/log/slurm
install -d /var/lib/slurm/slurmd
pgrep -x slurmctld >/dev/null || slurmctld -c
pgrep -x slurmd >/dev/null || slurmd

for _ in $(seq 50); do
  if sinfo --noheader --format=%T 2>/dev/null | grep -qE '^(idle|mixed|allocated)$'; then
    echo "Slurm for the tests is up: $(sinfo --version), one node of $(nproc) processors"
    exit 0
  fi
  sleep 0.2
done
sinfo || true
rm "$conf"  # without a controller every Snakemake would wait for it
echo "Slurm did not come up, its tests are skipped; see /var/log/slurm" >&2
exit 1
