// script.hpp: a command for alarms, as an operator may write one, in a directory of its own.
#pragma once

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/temporary_directory.hpp"

namespace securelogin {

class Script {
  public:
    /// `body` is for sh, and finds its directory in $1.
    explicit Script(const std::string& body)
    {
        std::ofstream(path()) << "#!/bin/sh\n" << body << '\n';
        std::filesystem::permissions(path(), std::filesystem::perms(0700));
    }

    [[nodiscard]] std::filesystem::path path() const { return directory_ / "alarm"; }
    [[nodiscard]] std::vector<std::string> command() const
    {
        return {path().string(), directory_.path().string()};
    }
    [[nodiscard]] std::filesystem::path file(const std::string& name) const { return directory_ / name; }
    /// What a file in the directory holds; empty when it is not there.
    [[nodiscard]] std::string content(const std::string& name) const
    {
        std::ifstream stream(file(name));
        return {std::istreambuf_iterator<char>(stream), {}};
    }

  private:
    support::TemporaryDirectory directory_;
};

}  // namespace securelogin
