#pragma once

// java_number.h   A floating point number as Java prints it: "1.0", "1.0E10", "NaN", "-Infinity".

#include <string>

namespace millstream {

std::string JavaDouble(double value);
std::string JavaFloat(float value);

}  // namespace millstream
