# Libraries without a CMake package of their own. A missing one stops with the name of its Debian package.
function(sunder_require_module target module package)
  pkg_check_modules(${target} IMPORTED_TARGET GLOBAL ${module})
  if(NOT ${target}_FOUND)
    message(FATAL_ERROR "${module} not found: install ${package} (scripts/setup.sh installs everything that is needed)")
  endif()
endfunction()

function(sunder_require_header variable header package)
  find_path(${variable} ${header} PATH_SUFFIXES kissfft)
  if(NOT ${variable})
    message(FATAL_ERROR "${header} not found: install ${package} (scripts/setup.sh installs everything that is needed)")
  endif()
endfunction()
