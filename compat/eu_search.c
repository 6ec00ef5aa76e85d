// SPDX-License-Identifier: GPL-2.0-only
/*
 * elfutils 0.191 ("lib: Add eu_tsearch, eu_tfind, eu_tdelete and eu_tdestroy") gave libdw and
 * libelf search trees with a lock, in a helper library libeu; Debian 13 packaged the static libdw
 * without it.  These six functions are the same over tsearch(3), without the lock: xenpin asks
 * libdw from one thread.  They are last in the link, so a libdw that is whole never uses them.
 */
#include <search.h>
#include <stddef.h>

/* As libdw has them in its structures: only the first member is used here. */
struct search_tree {
	void *root;
};

typedef int compare_fn(const void *, const void *);

void *eu_tsearch(const void *key, struct search_tree *tree, compare_fn *compare);
void *eu_tfind(const void *key, struct search_tree *tree, compare_fn *compare);
void *eu_tdelete(const void *key, struct search_tree *tree, compare_fn *compare);
void eu_tdestroy(struct search_tree *tree, void (*free_key)(void *));
void eu_search_tree_init(struct search_tree *tree);
void eu_search_tree_fini(struct search_tree *tree, void (*free_key)(void *));

void *eu_tsearch(const void *key, struct search_tree *tree, compare_fn *compare)
{
	return tsearch(key, &tree->root, compare);
}

void *eu_tfind(const void *key, struct search_tree *tree, compare_fn *compare)
{
	return tfind(key, &tree->root, compare);
}

void *eu_tdelete(const void *key, struct search_tree *tree, compare_fn *compare)
{
	return tdelete(key, &tree->root, compare);
}

void eu_tdestroy(struct search_tree *tree, void (*free_key)(void *))
{
	tdestroy(tree->root, free_key);
	tree->root = NULL;
}

void eu_search_tree_init(struct search_tree *tree)
{
	tree->root = NULL;
}

void eu_search_tree_fini(struct search_tree *tree, void (*free_key)(void *))
{
	eu_tdestroy(tree, free_key);
}
