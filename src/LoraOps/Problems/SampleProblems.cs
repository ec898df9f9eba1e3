namespace LoraOps.Problems;

/// <summary>What can be wrong with recorded or calibration data.</summary>
public static class SampleProblems
{
    /// <summary><see cref="ProblemCode.NpyMagic"/></summary>
    public static Problem NpyMagic(string path) =>
        new(ProblemCode.NpyMagic, path,
            "does not begin with '\\x93NUMPY'",
            "Save it with numpy.save.");

    /// <summary><see cref="ProblemCode.NpyVersion"/></summary>
    public static Problem NpyVersion(string path, int major, int minor) =>
        new(ProblemCode.NpyVersion, path,
            $"has .npy version {major}.{minor}; versions 1.0, 2.0 and 3.0 are known",
            "Save it with numpy.save.");

    /// <summary><see cref="ProblemCode.NpyHeaderLimit"/></summary>
    public static Problem NpyHeaderLimit(string path, long declared, long limit) =>
        new(ProblemCode.NpyHeaderLimit, path,
            $"declares a header of {declared} bytes; here at most {limit} are possible",
            "Save it with numpy.save.");

    /// <summary><see cref="ProblemCode.NpyHeaderInvalid"/></summary>
    public static Problem NpyHeaderInvalid(string path, string reason) =>
        new(ProblemCode.NpyHeaderInvalid, path,
            $"the header {reason}",
            "Save it with numpy.save.");

    /// <summary><see cref="ProblemCode.NpyTypeRefused"/></summary>
    public static Problem NpyTypeRefused(string path, string found, string reason) =>
        new(ProblemCode.NpyTypeRefused, path,
            $"has elements of type {found}, {reason}; allowed are <f2, <f4, <f8, |b1, |i1, |u1, <i2, <u2, <i4, <u4, <i8, <u8",
            "Convert the array with astype and save it again.");

    /// <summary><see cref="ProblemCode.NpyFortran"/></summary>
    public static Problem NpyFortran(string path) =>
        new(ProblemCode.NpyFortran, path,
            "is in Fortran order; only C order is read",
            "Save numpy.ascontiguousarray(a).");

    /// <summary><see cref="ProblemCode.NpyShapeInvalid"/></summary>
    public static Problem NpyShapeInvalid(string path, string reason) =>
        new(ProblemCode.NpyShapeInvalid, path,
            $"has a shape {reason}",
            "Save it with numpy.save.");

    /// <summary><see cref="ProblemCode.NpySizeMismatch"/></summary>
    public static Problem NpySizeMismatch(string path, string shape, string expected, long found) =>
        new(ProblemCode.NpySizeMismatch, path,
            $"shape {shape} needs {expected} bytes of data, the file has {found}",
            "Copy the file again, or save it again.");

    /// <summary><see cref="ProblemCode.SamplesNone"/></summary>
    public static Problem None(string path) =>
        new(ProblemCode.SamplesNone, path,
            "holds no arrays",
            "Give a .safetensors file with one tensor, or a folder with one .npy, for each input of the model.");

    /// <summary><see cref="ProblemCode.SamplesNoAxis"/></summary>
    public static Problem NoAxis(string path, string name) =>
        new(ProblemCode.SamplesNoAxis, path,
            $"'{name}' is a scalar; the first axis of every array counts the samples",
            "Add a leading axis.");

    /// <summary><see cref="ProblemCode.SamplesDiffer"/></summary>
    public static Problem Differ(string path, string name, long count, string other, long otherCount) =>
        new(ProblemCode.SamplesDiffer, path,
            $"'{name}' holds {count} samples, '{other}' holds {otherCount}",
            "Give every array the same first axis.");

    /// <summary><see cref="ProblemCode.SamplesDiffer"/>, for sets that are read one after another.</summary>
    public static Problem Unlike(string path, string name, string other) =>
        new(ProblemCode.SamplesDiffer, path, $"'{name}' has another type or other dimensions than in {other}", "Give data of one model.");

    /// <summary><see cref="ProblemCode.SamplesEmpty"/></summary>
    public static Problem Empty(string path) =>
        new(ProblemCode.SamplesEmpty, path,
            "holds 0 samples; at least 1 is needed",
            "Give some data.");

    /// <summary><see cref="ProblemCode.SamplesTooMany"/></summary>
    public static Problem TooMany(string path, long count) =>
        new(ProblemCode.SamplesTooMany, path,
            $"holds {count} samples; at most {int.MaxValue} are possible",
            "Split the data.");
}
