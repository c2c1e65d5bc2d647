#include "base/huge_pages.h"

#include <fstream>
#include <string>

namespace braid {

bool HugePagesAreGiven() {
  // "always [madvise] never", the choice in brackets; no file: no such kernel.
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  return std::getline(file, line) && line.find("[never]") == std::string::npos;
}

}  // namespace braid
