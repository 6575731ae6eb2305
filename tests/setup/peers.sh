# Python programs that the tests talk to: Modbus, SunSpec, MQTT, OpenAI and Ollama as others have written them, and what the judge
# of seconds and of years counts with.
# shellcheck shell=bash

PEERS='pymodbus==3.16.1 pysunspec2==1.3.7 paho-mqtt==2.1.0 openai==3.54.0 ollama==0.6.3 pyyaml==6.0.3 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 highspy==1.16.0'

need_peers() {
    need_python_packages peers "$PEERS"
}

# need_python_packages NAME PACKAGES: a virtual environment of this Python with them, as NAME in the user's cache.
need_python_packages() {
    local python
    python=$(python3 -c 'import sys; print(sys.version, sys.base_prefix)') || return 1
    installed "$1" "$python $2" install_python_packages "$2"
}

# install_python_packages PACKAGES FOLDER
install_python_packages() {
    python3 -m venv "$2" || return 1
    # shellcheck disable=SC2086 # one word each
    "$2/bin/pip" install --quiet --disable-pip-version-check $1
}

# Home Assistant is installed by a program of its own. Where it cannot be installed, its tests say that they are skipped,
# but on the machine the installation is made for (Debian, root) that is a failure.
need_home_assistant() {
    local version
    version=$(sha256sum <tests/setup/home_assistant.sh)
    installed home-assistant "$version" bash tests/setup/home_assistant.sh && return 0
    installs_all && return 1
    announce "without Home Assistant: the tests that speak to it are skipped"
}
