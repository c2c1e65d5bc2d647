// The page of a report without its data: what stands before the JSON, and what
// stands behind it.
#ifndef BRAID_APPS_BRAID_HTML_PAGE_H_
#define BRAID_APPS_BRAID_HTML_PAGE_H_

namespace braid::cli {

extern const char* const kPageHead;
extern const char* const kPageTail;

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_HTML_PAGE_H_
