namespace LoraOps.Problems;

/// <summary>
/// Every failure by number. The thousands name the phase: 1 reading files, 2 what an adapter means, 3 transforming,
/// 4 writing, 5 recipes, 6 chips, 7 bundles, 8 data and gates, 9 the machine. A number is never reused.
/// </summary>
public enum ProblemCode
{
    /// <summary>No problem; never raised.</summary>
    None = 0,

    /// <summary>A file or folder that was named does not exist.</summary>
    FileMissing = 1001,

    /// <summary>A file exists but cannot be read (permissions, a folder in its place, an I/O error).</summary>
    FileUnreadable = 1002,

    /// <summary>A path in a file leaves the folder that the file lies in.</summary>
    PathEscapes = 1003,

    /// <summary>The folder or file is of no kind that LoraOps knows.</summary>
    KindUnknown = 1004,

    /// <summary>A safetensors file is shorter than the 8 bytes of its header length.</summary>
    SafetensorsTooShort = 1101,

    /// <summary>A safetensors header declares more than 100 000 000 bytes.</summary>
    SafetensorsHeaderLimit = 1102,

    /// <summary>A safetensors header runs past the end of its file.</summary>
    SafetensorsHeaderPastEnd = 1103,

    /// <summary>A safetensors header is not UTF-8.</summary>
    SafetensorsHeaderNotUtf8 = 1104,

    /// <summary>A safetensors header begins with a byte order mark.</summary>
    SafetensorsHeaderBom = 1105,

    /// <summary>A safetensors header is not JSON.</summary>
    SafetensorsHeaderNotJson = 1106,

    /// <summary>A safetensors header is JSON but no object.</summary>
    SafetensorsHeaderNotObject = 1107,

    /// <summary>A safetensors header nests too deep.</summary>
    SafetensorsHeaderTooDeep = 1108,

    /// <summary>A safetensors header has too many entries.</summary>
    SafetensorsTooManyEntries = 1109,

    /// <summary>A tensor's name holds U+0000.</summary>
    SafetensorsNameHasNul = 1110,

    /// <summary>A tensor's name is too long.</summary>
    SafetensorsNameTooLong = 1111,

    /// <summary>Two tensors of one file have the same name.</summary>
    SafetensorsNameTwice = 1112,

    /// <summary>__metadata__, or a key of it, occurs twice.</summary>
    SafetensorsMetadataTwice = 1113,

    /// <summary>__metadata__ is no map from text to text.</summary>
    SafetensorsMetadataNotText = 1114,

    /// <summary>A tensor lacks its dtype, shape or data_offsets.</summary>
    SafetensorsFieldMissing = 1115,

    /// <summary>A tensor has its dtype, shape or data_offsets twice.</summary>
    SafetensorsFieldTwice = 1116,

    /// <summary>A field of a tensor is JSON of the wrong kind.</summary>
    SafetensorsFieldWrongKind = 1117,

    /// <summary>A tensor has an element type that the format does not know.</summary>
    SafetensorsTypeUnknown = 1118,

    /// <summary>A dimension or offset is no unsigned integer.</summary>
    SafetensorsNumberInvalid = 1119,

    /// <summary>A dimension or offset does not fit 63 bits.</summary>
    SafetensorsNumberTooLarge = 1120,

    /// <summary>A tensor has too many dimensions.</summary>
    SafetensorsRankTooHigh = 1121,

    /// <summary>data_offsets does not hold two numbers.</summary>
    SafetensorsOffsetCount = 1122,

    /// <summary>A tensor's range ends before it begins.</summary>
    SafetensorsRangeReversed = 1123,

    /// <summary>Two tensors share bytes.</summary>
    SafetensorsRangeOverlap = 1124,

    /// <summary>Bytes between two tensors belong to none.</summary>
    SafetensorsRangeHole = 1125,

    /// <summary>A tensor's size does not fit 63 bits.</summary>
    SafetensorsSizeOverflow = 1126,

    /// <summary>A tensor of 4- or 6-bit elements does not fill whole bytes.</summary>
    SafetensorsSubByte = 1127,

    /// <summary>A tensor's range has not the size of its shape.</summary>
    SafetensorsSizeMismatch = 1128,

    /// <summary>A safetensors file ends before its data does.</summary>
    SafetensorsDataShort = 1129,

    /// <summary>A safetensors file goes on after its data.</summary>
    SafetensorsDataTrailing = 1130,

    /// <summary>The index of a sharded checkpoint is not JSON.</summary>
    IndexNotJson = 1140,

    /// <summary>The index of a sharded checkpoint is too large.</summary>
    IndexTooLarge = 1141,

    /// <summary>The index of a sharded checkpoint has no weight_map.</summary>
    IndexNoWeightMap = 1142,

    /// <summary>The weight_map maps a tensor to something other than a file name.</summary>
    IndexShardNotText = 1143,

    /// <summary>The weight_map names a tensor twice.</summary>
    IndexNameTwice = 1144,

    /// <summary>A shard that the index names does not exist.</summary>
    IndexShardMissing = 1145,

    /// <summary>A shard lacks a tensor that the index places there.</summary>
    IndexTensorMissing = 1146,

    /// <summary>A folder holds no checkpoint.</summary>
    CheckpointNone = 1147,

    /// <summary>A folder holds several safetensors files and no index.</summary>
    CheckpointAmbiguous = 1148,

    /// <summary>A checkpoint is a file of torch.save.</summary>
    CheckpointPickled = 1149,

    /// <summary>A .npy file does not begin with the mark of its format.</summary>
    NpyMagic = 1160,

    /// <summary>A .npy file has a version other than 1, 2 or 3.</summary>
    NpyVersion = 1161,

    /// <summary>A .npy header is longer than its limit or its file.</summary>
    NpyHeaderLimit = 1162,

    /// <summary>A .npy header is not the literal that NumPy writes.</summary>
    NpyHeaderInvalid = 1163,

    /// <summary>A .npy file has elements that no model takes.</summary>
    NpyTypeRefused = 1164,

    /// <summary>A .npy file is in Fortran order.</summary>
    NpyFortran = 1165,

    /// <summary>A .npy file has a shape that cannot be.</summary>
    NpyShapeInvalid = 1166,

    /// <summary>A .npy file has not the size of its shape.</summary>
    NpySizeMismatch = 1167,

    /// <summary>The data holds no arrays.</summary>
    SamplesNone = 1170,

    /// <summary>An array of the data has no sample axis.</summary>
    SamplesNoAxis = 1171,

    /// <summary>The arrays of the data hold different numbers of samples.</summary>
    SamplesDiffer = 1172,

    /// <summary>The data holds no sample.</summary>
    SamplesEmpty = 1173,

    /// <summary>The data holds more samples than can be counted.</summary>
    SamplesTooMany = 1174,

    /// <summary>A folder holds no adapter_config.json.</summary>
    AdapterConfigMissing = 1201,

    /// <summary>adapter_config.json is no JSON object, is too large, names a field twice, or gives one the wrong kind of value.</summary>
    AdapterConfigInvalid = 1202,

    /// <summary>The two factors of a module have different ranks.</summary>
    AdapterRankMismatch = 1203,

    /// <summary>A folder holds no adapter_model.safetensors.</summary>
    AdapterWeightsMissing = 1204,

    /// <summary>The weights are a pickle of the layout before PyTorch 1.6.</summary>
    AdapterWeightsPickled = 1205,

    /// <summary>A tensor of the adapter would be dropped in silence.</summary>
    AdapterTensorUnused = 1206,

    /// <summary>One factor of a module is missing.</summary>
    AdapterPartnerMissing = 1207,

    /// <summary>A tensor of the adapter has no elements.</summary>
    AdapterTensorEmpty = 1208,

    /// <summary>A tensor of the adapter holds NaN or infinity.</summary>
    AdapterNotFinite = 1209,

    /// <summary>A folder holds several adapters.</summary>
    AdapterFolderAmbiguous = 1210,

    /// <summary>A tensor of the adapter has a shape or type that its role cannot have.</summary>
    AdapterTensorInvalid = 1211,

    /// <summary>Two tensors of the adapter are the same parameter.</summary>
    AdapterTensorTwice = 1212,

    /// <summary>The adapter changes nothing: it has no tensors.</summary>
    AdapterEmpty = 1213,

    /// <summary>A file of torch.save is no whole zip archive, or has compressed, encrypted or double entries.</summary>
    TorchArchiveInvalid = 1220,

    /// <summary>The pickle of a file of torch.save asks for anything but tensors and plain containers.</summary>
    TorchPickleRefused = 1221,

    /// <summary>The pickle of a file of torch.save is damaged or too large.</summary>
    TorchPickleInvalid = 1222,

    /// <summary>A file of torch.save holds something else than tensors by name.</summary>
    TorchNoStateDict = 1223,

    /// <summary>A tensor of a file of torch.save leaves its storage, or the storage is missing or of another size.</summary>
    TorchTensorInvalid = 1224,

    /// <summary>A base is quantised in a layout that is not read.</summary>
    QuantisationUnsupported = 1240,

    /// <summary>A tensor that a quantised weight is stored with is missing.</summary>
    QuantisedPartMissing = 1241,

    /// <summary>A tensor that a quantised weight is stored with has the wrong type, shape or content.</summary>
    QuantisedPartInvalid = 1242,

    /// <summary>The file is no ONNX model.</summary>
    NotOnnx = 1301,

    /// <summary>A tensor's external data is missing, too short, or badly described.</summary>
    ExternalDataInvalid = 1302,

    /// <summary>A tensor in an ONNX model has elements that do not fit its dimensions or type.</summary>
    OnnxTensorInvalid = 1303,

    /// <summary>The file is no .onnx_adapter, or one of a version that is not known.</summary>
    NotOnnxAdapter = 1310,

    /// <summary>An .onnx_adapter is cut off, or an offset or a length in it leads out of it.</summary>
    OnnxAdapterDamaged = 1311,

    /// <summary>A parameter of an .onnx_adapter has a type or dimensions that such a file cannot carry, or bytes that do not fit them.</summary>
    AdapterParameterInvalid = 1312,

    /// <summary>A parameter's name in an .onnx_adapter is empty, no text, too long, or there twice.</summary>
    AdapterParameterName = 1313,

    /// <summary>An .onnx_adapter would be larger, or is, than the format allows.</summary>
    OnnxAdapterTooLarge = 1314,

    /// <summary>A parameter of an .onnx_adapter is no overridable input of the model.</summary>
    AdapterInputUnknown = 1320,

    /// <summary>A parameter of an .onnx_adapter has another type or other dimensions than the input that it overrides.</summary>
    AdapterInputDiffers = 1321,

    /// <summary>An .onnx_adapter holds one factor of a module and not the other.</summary>
    AdapterFactorMissing = 1322,

    /// <summary>The two factors of a module in an .onnx_adapter are of different ranks.</summary>
    AdapterRanksDiffer = 1323,

    /// <summary>An .onnx_adapter was made for another model, or does not say for which.</summary>
    AdapterOfOtherModel = 1324,

    /// <summary>An .onnx_adapter holds a value that is infinite or no number.</summary>
    AdapterValueNotFinite = 1325,

    /// <summary>A name in a model or an .onnx_adapter is none that the dialect gives, or that any dialect gives.</summary>
    AdapterNameUnknown = 1326,

    /// <summary>A dialect has no name for a module's part that could be told back.</summary>
    AdapterNameUnsayable = 1327,

    /// <summary>A new name is there already.</summary>
    AdapterNameTaken = 1328,

    /// <summary>The adapter's method cannot become weights, or is not read yet.</summary>
    MethodRefused = 2001,

    /// <summary>peft_type names no method of PEFT.</summary>
    MethodUnknown = 2002,

    /// <summary>A variant of LoRA that cannot become weights, or is not read yet.</summary>
    VariantRefused = 2003,

    /// <summary>The adapter fits only the base that its initialisation left.</summary>
    ResidualBaseNeeded = 2004,

    /// <summary>use_dora is set but a magnitude is missing.</summary>
    DoraMagnitudeMissing = 2005,

    /// <summary>A magnitude is there but use_dora is not set.</summary>
    DoraMagnitudeUnexpected = 2006,

    /// <summary>A field of adapter_config.json is unknown and has a value.</summary>
    ConfigFieldUnknown = 2007,

    /// <summary>A key of rank_pattern or alpha_pattern is no usable regular expression.</summary>
    PatternInvalid = 2008,

    /// <summary>LoRA on a grouped convolution.</summary>
    GroupedConvolution = 2009,

    /// <summary>init_lora_weights names no initialisation of PEFT.</summary>
    InitializationUnknown = 2010,

    /// <summary>A DoRA norm is zero: the merged weight is undefined.</summary>
    DoraZeroNorm = 2011,

    /// <summary>A weight is too large for the decomposition that its adapter needs.</summary>
    TooLargeToDecompose = 2012,

    /// <summary>The tensors fit several raw parameters, or one in several layouts, and nothing tells which.</summary>
    ParameterAmbiguous = 2013,

    /// <summary>The base has no tensor for a module or parameter of the adapter.</summary>
    ModuleUnmatched = 3001,

    /// <summary>A weight of the base has another shape than the adapter's.</summary>
    WeightShapeMismatch = 3002,

    /// <summary>A merged weight would be NaN or infinite in the base's type.</summary>
    MergedWeightNotFinite = 3003,

    /// <summary>The memory allowed does not hold the largest merged tensor.</summary>
    MemoryTooSmall = 3004,

    /// <summary>A weight of the base is of a type that nothing can be added to.</summary>
    BaseTypeUnsupported = 3005,

    /// <summary>Two adapters change one tensor in ways that do not add up.</summary>
    AdaptersConflict = 3006,

    /// <summary>A tied head is adapted in a model whose head works differently when untied.</summary>
    HeadStaysTied = 3007,

    /// <summary>The base's config.json is no JSON object.</summary>
    BaseConfigInvalid = 3008,

    /// <summary>The output is one file but several are needed.</summary>
    ShardsNeedFolder = 3009,

    /// <summary>A tensor is too large to merge.</summary>
    TensorTooLarge = 3010,

    /// <summary>A module name of the adapter fits several layers of the base, or several fit one.</summary>
    LayerAmbiguous = 3020,

    /// <summary>A method of mixing needs factors, and a delta that has none is too large to be its own.</summary>
    MixNeedsFactors = 3030,

    /// <summary>A value of a mixed adapter is not finite in the type that it is stored as.</summary>
    MixedValueNotFinite = 3031,

    /// <summary>A parameter of a mix is missing, or does not go with its method.</summary>
    MixSettingInvalid = 3032,

    /// <summary>Two adapters disagree about the shape or the kind of a layer.</summary>
    MixShapesDiffer = 3033,

    /// <summary>A method's change of a layer cannot be written as LoRA.</summary>
    MixDeltaRefused = 3034,

    /// <summary>The result depends on the base model, and none was given.</summary>
    MixBaseNeeded = 3035,

    /// <summary>A budget of bytes does not hold the smallest adapter that is possible.</summary>
    BudgetTooSmall = 3040,

    /// <summary>Two checkpoints are the same.</summary>
    NothingDiffers = 3041,

    /// <summary>Two checkpoints differ in a way that no adapter can hold.</summary>
    DifferenceNotExpressible = 3042,

    /// <summary>No node of the graph is this module of the adapter.</summary>
    ModuleUnmapped = 3101,

    /// <summary>Several nodes could be this module.</summary>
    ModuleAmbiguous = 3102,

    /// <summary>Two modules of the adapter were found at one node.</summary>
    NodeClaimedTwice = 3103,

    /// <summary>The exporter folded something else into the weight, so the module's own values are not there.</summary>
    WeightRewritten = 3104,

    /// <summary>The graph's weight differs from the base checkpoint's.</summary>
    BaseDiffers = 3105,

    /// <summary>The module's node has a weight of another kind or shape than the adapter's.</summary>
    SiteShapeDiffers = 3106,

    /// <summary>The adapter targets a grouped convolution.</summary>
    ConvolutionGrouped = 3107,

    /// <summary>The mapping file is invalid, or names what the graph does not have.</summary>
    MapInvalid = 3108,

    /// <summary>The weight is stored in a type that cannot be changed.</summary>
    WeightTypeUnsupported = 3109,

    /// <summary>A parameter that the adapter replaces is not in the graph, or has another shape.</summary>
    ParameterUnmapped = 3110,

    /// <summary>Two adapters replace the same parameter as a whole.</summary>
    ReplacedTwice = 3111,

    /// <summary>A merged weight is infinite or not a number in the graph's type.</summary>
    ResultNotFinite = 3112,

    /// <summary>A delta cannot be placed in a graph: it changes no weight, or its tensors do not tell the weight's shape.</summary>
    DeltaUnmapped = 3113,

    /// <summary>The module's output is no value of the graph: a fused node goes on computing with it.</summary>
    OutputFused = 3114,

    /// <summary>A weight is too large to be changed in memory.</summary>
    WeightTooLarge = 3115,

    /// <summary>Two adapters of one conversion have the same name.</summary>
    AdapterNamedTwice = 3130,

    /// <summary>An adapter's name cannot be the name of its file.</summary>
    AdapterNameUnusable = 3131,

    /// <summary>A node's samples cannot be told apart, so they cannot have adapters of their own.</summary>
    BatchAxisUnknown = 3132,

    /// <summary>A replaced parameter cannot differ between the samples of a batch.</summary>
    ParameterNotPerSample = 3133,

    /// <summary>A factor of a branch leaves the range of the graph's type.</summary>
    FactorNotFinite = 3134,

    /// <summary>The model has a value with the name of the input that chooses adapters.</summary>
    InputNameTaken = 3135,

    /// <summary>The model has adapters beside its layers already.</summary>
    AlreadyConverted = 3136,

    /// <summary>The model's opset is too old for quantization per channel.</summary>
    OpsetTooOld = 3201,

    /// <summary>A tensor that is quantized was not calibrated.</summary>
    RangeMissing = 3202,

    /// <summary>A calibrated range is not finite.</summary>
    RangeInvalid = 3203,

    /// <summary>A weight holds a NaN or an infinity.</summary>
    WeightNotFinite = 3204,

    /// <summary>The model has been quantized before.</summary>
    AlreadyQuantized = 3205,

    /// <summary>The model has no layer that the chip could quantize.</summary>
    NothingToQuantize = 3206,

    /// <summary>A file of calibrated ranges is none.</summary>
    RangesUnreadable = 3210,

    /// <summary>A field of a file of calibrated ranges is missing, unknown or wrong.</summary>
    RangesInvalid = 3211,

    /// <summary>A file of calibrated ranges is of another model.</summary>
    RangesForeign = 3212,

    /// <summary>The chip does not run this way of quantizing.</summary>
    SchemeUnsupported = 3230,

    /// <summary>The model uses operators that change their meaning up to the opset that is needed.</summary>
    OpsetNotRaisable = 3231,

    /// <summary>A model that takes adapters as inputs is to have fixed ranges that none of them was measured for.</summary>
    AdapterRangesMissing = 3232,

    /// <summary>Calibration samples are of an adapter that the model does not have.</summary>
    AdapterToCalibrateUnknown = 3233,

    /// <summary>What was asked for to keep the accuracy cannot be done with the data at hand.</summary>
    RecoveryImpossible = 3250,

    /// <summary>No precision of the chip lets a quantized model pass a gate.</summary>
    GateOutOfReach = 3270,

    /// <summary>A node that is to have another precision is none that is quantized.</summary>
    NodeNotQuantized = 3271,

    /// <summary>A chip does not have the precision that a node is to have.</summary>
    PrecisionNotAllowed = 3272,

    /// <summary>The output exists and --overwrite was not given.</summary>
    OutputExists = 4001,

    /// <summary>The output path is one of the inputs.</summary>
    OutputIsInput = 4002,

    /// <summary>The output folder cannot be written to.</summary>
    OutputUnwritable = 4003,

    /// <summary>A file cannot go into a bundle under its name.</summary>
    BundlePathUnusable = 4005,

    /// <summary>No job of the recipe fits --only.</summary>
    RunSelectsNothing = 4006,

    /// <summary>The command line is wrong: an unknown option, a missing value, a text that is no number.</summary>
    UsageWrong = 4010,

    /// <summary>An adapter was asked for that the model does not take, or does not have.</summary>
    AdapterChoiceInvalid = 4012,

    /// <summary>The recipe is no plain YAML.</summary>
    RecipeNotYaml = 5001,

    /// <summary>The recipe has a key that LoraOps does not know.</summary>
    RecipeKeyUnknown = 5002,

    /// <summary>The recipe lacks a key.</summary>
    RecipeKeyMissing = 5003,

    /// <summary>The recipe has a key, an adapter or a chip twice.</summary>
    RecipeKeyTwice = 5004,

    /// <summary>A value of the recipe is of the wrong kind or cannot be.</summary>
    RecipeValueWrong = 5005,

    /// <summary>A file or folder that the recipe names does not exist.</summary>
    RecipeFileMissing = 5006,

    /// <summary>A gate of the recipe cannot be read.</summary>
    RecipeGateInvalid = 5007,

    /// <summary>The recipe names a chip that LoraOps does not know.</summary>
    RecipeChipUnknown = 5008,

    /// <summary>No chip has the name that was asked for.</summary>
    ChipUnknown = 6001,

    /// <summary>A chip's profile is no JSON, or a field of it is unknown, missing or wrong.</summary>
    ChipProfileInvalid = 6002,

    /// <summary>The finished model breaks a rule of the chip.</summary>
    ChipRuleBroken = 6003,

    /// <summary>A tensor's or a layer's name cannot be written into a hand-off file.</summary>
    HandOffNameUnusable = 6030,

    /// <summary>A hand-off file is not in its format.</summary>
    HandOffFileInvalid = 6031,

    /// <summary>A hand-off file cannot say how a layer was quantized.</summary>
    HandOffScaleUnfit = 6032,

    /// <summary>A hand-off needs samples of an input, and there are none.</summary>
    HandOffSamplesMissing = 6033,

    /// <summary>A file of a bundle is not what its digest says.</summary>
    BundleFileChanged = 7001,

    /// <summary>A file of a bundle is not there.</summary>
    BundleFileMissing = 7002,

    /// <summary>A bundle's folder holds something that is no part of it.</summary>
    BundleFileExtra = 7003,

    /// <summary>A bundle's folder holds a link.</summary>
    BundleEntryNotPlain = 7004,

    /// <summary>SHA256SUMS is not in its one form, or names a path that it may not.</summary>
    BundleSumsInvalid = 7005,

    /// <summary>manifest.json is not in the form of its schema.</summary>
    BundleManifestInvalid = 7006,

    /// <summary>manifest.json and SHA256SUMS say different things.</summary>
    BundleManifestDisagrees = 7007,

    /// <summary>A measured value lies beyond its gate.</summary>
    GateMissed = 8001,

    /// <summary>A gate is not of the form METRIC OPERATOR NUMBER, or names no known metric.</summary>
    GateInvalid = 8002,

    /// <summary>A gate asks for a metric that these data cannot give.</summary>
    GateUnmeasured = 8003,

    /// <summary>ONNX Runtime refuses to load a model.</summary>
    ModelRefused = 8010,

    /// <summary>ONNX Runtime fails while it runs a model.</summary>
    RunFailed = 8011,

    /// <summary>An input or output of a model is no tensor of numbers.</summary>
    PortNotTensor = 8012,

    /// <summary>The data lack an input of the model.</summary>
    InputMissing = 8020,

    /// <summary>The data have another element type than the model's input, and a conversion would lose values.</summary>
    InputTypeMismatch = 8021,

    /// <summary>The data have another shape than the model's input.</summary>
    InputShapeMismatch = 8022,

    /// <summary>An output of a model does not count the samples on its first axis.</summary>
    OutputNotSampled = 8023,

    /// <summary>The reference lacks an output of the candidate.</summary>
    ExpectationMissing = 8030,

    /// <summary>The reference has another shape than the candidate's output.</summary>
    ExpectationShape = 8031,

    /// <summary>Inputs, expectation or labels hold different numbers of samples.</summary>
    SampleCountsDiffer = 8032,

    /// <summary>A file of labels holds none.</summary>
    LabelsMissing = 8033,

    /// <summary>Labels have a wrong type or shape, or are no class of the output.</summary>
    LabelsInvalid = 8034,

    /// <summary>An activation is NaN or infinite during calibration.</summary>
    ActivationNotFinite = 8040,

    /// <summary>A model is of no form whose adapters can be switched.</summary>
    FormMissing = 8050,

    /// <summary>An adapter cannot have this id.</summary>
    AdapterIdInvalid = 8051,

    /// <summary>No adapter has this id.</summary>
    AdapterUnknown = 8052,

    /// <summary>A model does not say which base its adapters belong to.</summary>
    ModelUnpaired = 8053,

    /// <summary>The cache of adapters has no room that is not in use.</summary>
    CacheFull = 8054,

    /// <summary>An adapter's file is another one than the one that was loaded.</summary>
    AdapterChanged = 8055,

    /// <summary>Two adapters that are to be active together set the same input.</summary>
    AdaptersOverlap = 8056,

    /// <summary>A run is fed an input that the active adapter sets.</summary>
    InputTaken = 8057,

    /// <summary>A run is fed an input that the model does not have.</summary>
    InputUnknown = 8058,

    /// <summary>ONNX Runtime fails while it runs a model with an adapter.</summary>
    AdapterRunFailed = 8059,

    /// <summary>ONNX Runtime refuses an adapter that was found to be right.</summary>
    AdapterRefused = 8060,

    /// <summary>A model's form cannot switch adapters in the way that was asked for.</summary>
    ChoiceUnsupported = 8061,

    /// <summary>The batch has another number of rows than there are adapters for.</summary>
    RowsDiffer = 8062,

    /// <summary>A weight of a blend is not finite, or belongs to the base.</summary>
    BlendInvalid = 8063,

    /// <summary>A table of routes is not in the form of one.</summary>
    RoutesInvalid = 8064,

    /// <summary>The percentages of a route do not add up to 100.</summary>
    RouteSharesInvalid = 8065,

    /// <summary>No rule of a table of routes matches a request.</summary>
    RouteMissing = 8066,

    /// <summary>A table of routes names an adapter that there is not.</summary>
    RouteTargetUnknown = 8067,

    /// <summary>An adapter makes dimensions differ that the model calls alike.</summary>
    RanksClash = 8068,

    /// <summary>Quantization buried an adapter: what is left of its change, or of its effect, misses the limit.</summary>
    AdapterBuried = 8070,

    /// <summary>A base is not the model that an adapter was merged into.</summary>
    OriginDiffers = 8071,

    /// <summary>A layer of the float model cannot be found in the quantized one.</summary>
    LayerUnfound = 8072,

    /// <summary>A model is the same as its base: there is no adapter that could have survived.</summary>
    NothingChanged = 8073,

    /// <summary>The disk is full.</summary>
    DiskFull = 9001,

    /// <summary>The user stopped the command.</summary>
    Cancelled = 9002,

    /// <summary>Another run works in the same output folder.</summary>
    RunLocked = 9003,

    /// <summary>A bug of LoraOps.</summary>
    InternalError = 9999,
}

/// <summary>The exit status of each problem.</summary>
public static class ProblemCodeExit
{
    /// <summary>The process exit status that this problem leads to.</summary>
    public static ExitCode ExitCode(this ProblemCode code) => code switch
    {
        ProblemCode.Cancelled => Problems.ExitCode.Cancelled,
        ProblemCode.InternalError => Problems.ExitCode.Bug,
        // A name on the command line, and a file that the user wrote: the chip has not refused anything yet.
        ProblemCode.ChipUnknown => Problems.ExitCode.Usage,
        ProblemCode.ChipProfileInvalid => Problems.ExitCode.InvalidInput,
        ProblemCode.HandOffFileInvalid => Problems.ExitCode.InvalidInput,
        ProblemCode.GateMissed or ProblemCode.GateOutOfReach => Problems.ExitCode.GateFailed,
        ProblemCode.NodeNotQuantized => Problems.ExitCode.Usage,
        ProblemCode.PrecisionNotAllowed => Problems.ExitCode.ChipRefuses,
        ProblemCode.GateInvalid => Problems.ExitCode.Usage,
        ProblemCode.AdapterBuried => Problems.ExitCode.GateFailed,
        ProblemCode.SchemeUnsupported => Problems.ExitCode.ChipRefuses,
        _ => ((int)code / 1000) switch
        {
            1 or 2 or 3 or 5 => Problems.ExitCode.InvalidInput,
            4 => Problems.ExitCode.Usage,
            6 => Problems.ExitCode.ChipRefuses,
            7 => Problems.ExitCode.WrongDigest,
            8 => Problems.ExitCode.InvalidInput,
            9 => Problems.ExitCode.Transient,
            _ => Problems.ExitCode.Bug,
        },
    };
}
