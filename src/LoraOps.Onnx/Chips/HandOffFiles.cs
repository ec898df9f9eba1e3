using LoraOps.Bundles;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;

namespace LoraOps.Onnx.Chips;

/// <summary>The files that lie beside a model for a vendor's compiler, each read when a rule asks for it.</summary>
/// <param name="folder">Where they lie.</param>
/// <param name="names">What they are called.</param>
public sealed class HandOffFiles(string folder, HandOffNames names)
{
    private OnnxModel? _float;

    /// <summary>TensorRT's calibration cache.</summary>
    public TensorRtCache Cache => TensorRtCache.Read(At(names.Cache));

    /// <summary>Horizon's build configuration.</summary>
    public HorizonYaml BuildConfig => HorizonYaml.Read(At(names.HorizonYaml));

    /// <summary>Horizon's types of operators and nodes.</summary>
    public HorizonQuantConfig QuantConfig => HorizonQuantConfig.Read(At(names.QuantConfig));

    /// <summary>AIMET's encodings, in the schema that states ranges.</summary>
    public EncodingsFile Encodings => EncodingsFile.Read(At(names.Encodings));

    /// <summary>The float model, or null if it does not lie there.</summary>
    public OnnxModel? Float => _float ??= File.Exists(At(names.Float)) ? OnnxModel.Load(At(names.Float)) : null;

    /// <summary>SHA-256 of the float model's file; null if it does not lie there.</summary>
    public string? FloatDigest => File.Exists(At(names.Float)) ? Digest.OfFile(At(names.Float)) : null;

    /// <summary>The AIPP configuration, which is the user's own; null if there is none.</summary>
    public string? AippConfig => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder, "*aipp*.cfg").Order(StringComparer.Ordinal).FirstOrDefault()
        : null;

    /// <summary>True if the file that a rule looks at is there.</summary>
    public bool Has(RuleSubject subject) => subject switch
    {
        RuleSubject.CalibrationCache => File.Exists(At(names.Cache)),
        RuleSubject.AippConfig => AippConfig is not null,
        RuleSubject.BuildConfig => File.Exists(At(names.HorizonYaml)),
        RuleSubject.QuantConfig => File.Exists(At(names.QuantConfig)),
        RuleSubject.Encodings => File.Exists(At(names.Encodings)),
        _ => false,
    };

    /// <summary>A path that a configuration names, relative to where it lies.</summary>
    public string At(string path) => Path.Combine(folder, path);
}
