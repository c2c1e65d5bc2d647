# Runs while installing: lets BRAID print its manual pages and completions into
# PAGES, and installs them below the prefix in MAN_DIR and DATA_DIR.
function(print_page file directory)
  execute_process(COMMAND "${BRAID}" ${ARGN}
    OUTPUT_FILE "${PAGES}/${file}" COMMAND_ERROR_IS_FATAL ANY)
  file(INSTALL "${PAGES}/${file}"
    DESTINATION "${CMAKE_INSTALL_PREFIX}/${directory}")
endfunction()

file(MAKE_DIRECTORY "${PAGES}")
print_page(braid.1 "${MAN_DIR}" help --man)
# The overview has a line per command, indented by two blanks.
execute_process(COMMAND "${BRAID}" help OUTPUT_VARIABLE overview
  COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n  [a-z-]+ " commands "${overview}")
foreach(command IN LISTS commands)
  string(STRIP "${command}" command)
  print_page("braid-${command}.1" "${MAN_DIR}" help --man "${command}")
endforeach()

print_page(braid "${DATA_DIR}/bash-completion/completions" completion bash)
print_page(_braid "${DATA_DIR}/zsh/site-functions" completion zsh)
print_page(braid.fish "${DATA_DIR}/fish/vendor_completions.d" completion fish)
