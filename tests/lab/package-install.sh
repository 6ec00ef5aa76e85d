# SPDX-License-Identifier: GPL-2.0-only
# In a fresh Debian with what makes an initramfs and a boot menu: install the packages of a kernel, and
# remove them.  What dpkg, apt and their logs remember is not looked at.
set -e

files() {
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /src -o -path /out \
		-o -path /root -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \) \
		-prune -o -print | sort
}

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends initramfs-tools grub-common linux-base >/dev/null
files >/out/before
apt-get -qq install -y /out/linux-image-*.deb
files >/out/installed
sha256sum /boot/vmlinuz-* >/out/vmlinuz
# What Debian starts by default: the first of a menu that is sorted by GRUB's own function.
{
	apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: linux-image-/vmlinuz-/p'
	basename /boot/vmlinuz-*
} | sh -c '. /usr/share/grub/grub-mkconfig_lib; version_sort -r' >/out/menu
apt-get -qq purge -y "$(dpkg-deb -f /out/linux-image-*.deb Package)"
files >/out/after
