// Files of a folder that say something about the model and are not read.
#ifndef BRAID_SRC_CONVERT_UNREAD_FILES_H_
#define BRAID_SRC_CONVERT_UNREAD_FILES_H_

#include "convert/recipe.h"

namespace braid::convert {

// Notes each of them that is there, by name.
void NoteUnreadFiles(Recipe& recipe);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_UNREAD_FILES_H_
