// SPDX-License-Identifier: GPL-2.0-only
/* Does a program that asks for source lines link statically?  Built to see, never run. */
#include <elfutils/libdwfl.h>

int main(void)
{
	Dwfl *dwfl = dwfl_begin(NULL);

	return dwfl_module_getsrc(dwfl_addrmodule(dwfl, 0), 0) != NULL;
}
