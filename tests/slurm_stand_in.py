"""The three commands of Slurm that submitit uses, as shell scripts that run jobs on this machine at once.

Each job waits until the file ``go`` is in the stand-in's folder. The file ``submitted`` there has a line for each call
of sbatch.
"""

from pathlib import Path

SBATCH = """#!/bin/sh
cd "$(dirname "$0")"
echo "$1" >> submitted
number=$((100 + $(wc -l < submitted)))
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$1")
for i in $(seq 0 "${last:-0}"); do
    [ -n "$last" ] && id="${number}_$i" && export SLURM_ARRAY_JOB_ID=$number SLURM_ARRAY_TASK_ID=$i
    export SLURM_JOB_ID=$((number + i)) SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0 SLURM_NTASKS=1
    touch "job-${id:-$number}"
    (while [ ! -e go ]; do sleep 0.1; done; cd "$OLDPWD"; bash "$1"; rm "$OLDPWD/job-${id:-$number}") > /dev/null 2>&1 &
    echo "${id:-$number}" >> jobs
done
echo "Submitted batch job $number"
"""
SRUN = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do
    case $1 in --output) out=$2; shift 2;; *) shift;; esac
done
out=$(echo "$out" | sed "s/%A/$SLURM_ARRAY_JOB_ID/; s/%a/$SLURM_ARRAY_TASK_ID/; s/%j/$SLURM_JOB_ID/; s/%t/0/")
exec "$@" > "$out" 2>&1
"""
SACCT = """#!/bin/sh
cd "$(dirname "$0")"
echo "JobID|State|NodeList"
while read -r job; do
    state=FAILED
    [ -e "job-$job" ] && state=RUNNING && [ ! -e go ] && state=PENDING
    echo "$job|$state|here"
done < jobs
"""


def install(folder: Path) -> Path:
    """Write the commands into a new folder, which then has to be the first of PATH."""
    folder.mkdir()
    for name, text in (("sbatch", SBATCH), ("srun", SRUN), ("sacct", SACCT)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return folder
