#pragma once

// java_math.h   Functions whose last digit differs between C's library and Java's StrictMath: computed as Java's specification (fdlibm's algorithms) says.

namespace millstream::compute {

double JavaExp(double x);
double JavaSinh(double x);
double JavaCosh(double x);
double JavaTanh(double x);

}  // namespace millstream::compute
