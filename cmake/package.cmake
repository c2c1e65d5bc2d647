# `cpack --config build/release/CPackConfig.cmake` makes a Debian package of what
# `cmake --install` installs: the program, the model, manual pages, completions.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME braid)
set(CPACK_PACKAGE_CONTACT "The maintainers of Braid <maintainers@braid.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
  "recurrent, attention and hybrid language models, many texts at once")
set(CPACK_PACKAGE_DESCRIPTION
  "Runs language models from GGUF files on a CPU, many sequences in one batch. "
  "A text is the same to the bit whatever else is in the batch.")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
# Which libraries, in which versions, is read off the program.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)
