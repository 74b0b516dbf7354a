"""The XML that record_more_formats.py asks Spark about: (bytes, options, schemas besides the inferred one)."""

ROW = {"rowTag": "r"}
CORRUPT = ", _corrupt_record STRING"


def doc(*rows):
    return ("<d>" + "".join(f"<r>{row}</r>" for row in rows) + "</d>").encode()


VALUES = ["0", "1", "-1", "+1", "--1", "+-1", "007", "1.0", "1.50", ".5", "1.", "1e3", "1E-3", "1e999", "-0.0", "127", "128", "-128", "-129", "32767", "32768", "2147483647", "2147483648", "-2147483648",
          "9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999.99", "99999999.995", "100000000", "1,234.5", "12d", "1.5f", "0x10", "NaN", "nan", "Infinity", "-Infinity", "INF", "true", "TRUE",
          "True", "yes", "false", "t", "x", " 1", "1 ", " ", "", "null", "NULL", "2020-01-02", "2020-1-2", "2020-01", "2020", "2020-13-01", "2020-02-30", "2020-01-02x", "1582-10-10", "0001-01-01", "10000-01-01",
          "2020-01-02 03:04:05", "2020-01-02T03:04:05", "2020-01-02T03:04:05Z", "2020-01-02T03:04:05.123456", "2020-01-02T03:04:05+01:00", "2020-01-02T03:04:05.123456789Z", "2020-01-02T24:00:00", "2020-01-02T03:04",
          "12:34", "12:34:56", "YWJj", "&lt;&amp;&gt;&quot;&apos;", "&#65;&#x42;", "<![CDATA[<c> & d]]>", "a<![CDATA[b]]>c", "a<!-- c -->b", "1<!-- c -->2", "<?pi x?>z", "é€😀", "a\r\nb\tc", "12345678901234567890123456789012345678",
          "1_000", "1L", "12abc", "1 2", "<b/>", "<b>1</b>", "x<b>1</b>y", "<b>1</b>y<b>2</b>"]
TYPES = ["TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(10,2)", "DECIMAL(38,0)", "STRING", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMP_NTZ"]

SHAPES = [
    doc("<a>1</a><b>x</b>", "<a>2</a>", "", "<b>y</b><a>3</a>"),
    doc("<a>1</a><a>2</a>", "<a>3</a>"),
    doc("<a>1</a>", "<a>2</a><a>3</a>"),
    doc("<a x='1'>t</a>", "<a x='2'/>", "<a>u</a>", "<a/>"),
    doc("<a x='1'><b>2</b></a>", "<a><b>3</b></a><a y='z'/>"),
    doc("text", "<a>1</a>text", "<a>1</a> x <b>2</b> y "),
    doc("<a><b><c>1</c></b></a>", "<a><b><c>2</c><c>3</c></b><b/></a>"),
    doc("<a></a>", "<a/>", "<a> </a>", "<a>\n</a>"),
    b"<d><r i='1' j=\"2\"><a>1</a></r><r i='x'/></d>",
    b"<r><a>1</a></r>", b"<r><a>1</a></r><r><a>2</a></r>", b"<?xml version='1.0' encoding='UTF-8'?>\n<!-- c --><d>\n <r>\n  <a>1</a>\n </r>\n</d>\n", b"\xef\xbb\xbf<d><r><a>1</a></r></d>",
    b"<d><r><r><a>1</a></r><a>2</a></r></d>", b"<d><q><r><a>1</a></r></q><r><a>2</a></r></d>", b"<d><R><a>1</a></R><r><A>2</A></r></d>", b"<d><rr><a>1</a></rr><r><a>2</a></r></d>",
    b"<d xmlns:n='u'><n:r><a>1</a></n:r><r><n:a>2</n:a><b n:c='3'>4</b></r></d>",
    b"<d><r><a>1</a></r><r><a>2</r><r><a>3</a></r></d>", b"<d><r><a>1</a></r><r><a>2</a>", b"<d><r><a>1</a></r><r a=1><a>2</a></r><r><a>3</a></r></d>", b"<d><r><a>1</a></r>", b"<d><r><a>&nope;</a><b>1</b></r></d>",
    b"<d><r><a>1 & 2</a></r><r><a>3</a></r></d>", b"<d><r><a>x]]>y</a></r></d>", b"<d><r><a b='1' b='2'>x</a></r></d>", b"<d><r><a b='<'>x</a></r></d>", b"<d><r><1>x</1></r></d>", b"<d><r><a>\x01</a></r></d>",
    b"<d><r><a>\xff</a></r><r><a>1</a></r></d>", b"", b" ", b"x", b"<d/>", b"<d></d>", b"<d><r/></d>", b"<d><r></r></d>", b"<d><r> </r></d>", b"<d><!-- <r><a>1</a></r> --><r><a>2</a></r></d>", b"<d><![CDATA[<r><a>1</a></r>]]><r><a>2</a></r></d>",
    b"<!DOCTYPE d [<!ENTITY e 'v'>]><d><r><a>&e;</a></r></d>", b"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><d><r><a>&e;</a></r></d>",
    b"<d><r><a-b>1</a-b><c.d>2</c.d><_e>3</_e><f:g>4</f:g></r></d>", b"<d><r><b>1</b><a>2</a><C>3</C><B>4</B></r></d>", b"<d><r><a>1</a></r><x><r><a>2</a></r></x></d><d><r><a>3</a></r></d>",
    b"<d><r><_VALUE>1</_VALUE>t</r></d>", b"<d><r><a _x='1'><_x>2</_x></a></r></d>", b"<d><r><_corrupt_record>1</_corrupt_record></r></d>",
    doc("<a>1</a>", "<a>1.5</a>", "<a>x</a>"), doc("<a>true</a>", "<a>1</a>"), doc("<a>2020-01-01</a>", "<a>2020-01-01T00:00:00Z</a>"), doc("<a>1</a>", "<a><b>1</b></a>"), doc("<a><b>1</b></a>", "<a>1</a>"), doc("<a k='v'>1</a>", "<a>2.5</a>"),
    doc("<a>9223372036854775808</a>", "<a>1</a>"), doc("<a><b>1</b>x</a>", "<a>y</a>"), doc("<m><k>1</k><j>2</j></m>", "<m/>"),
]
SHAPE_SCHEMAS = ["a INT, b STRING" + CORRUPT, "a STRING, b STRING", "a ARRAY<INT>, b ARRAY<STRING>" + CORRUPT, "a STRUCT<_VALUE: STRING, _x: INT, b: INT, c: STRING>, _i INT, _VALUE STRING" + CORRUPT, "a MAP<STRING,STRING>, m MAP<STRING,INT>" + CORRUPT,
                 "a ARRAY<STRUCT<b: ARRAY<STRING>, _VALUE: STRING>>, _VALUE ARRAY<STRING>" + CORRUPT]

# Values in documents of their own, because Spark gives a file up at its first malformed record.
XML_CASES = [(doc(f"<v>{v}</v><e>1</e>"), ROW, [f"v {t}, e STRING" + CORRUPT for t in TYPES]) for v in VALUES]
for shape in SHAPES:
    XML_CASES.append((shape, ROW, SHAPE_SCHEMAS))
    XML_CASES.append((shape, {**ROW, "mode": "DROPMALFORMED"}, SHAPE_SCHEMAS[:1]))
    XML_CASES.append((shape, {**ROW, "mode": "FAILFAST"}, SHAPE_SCHEMAS[1:2]))
for options in [{"attributePrefix": "@"}, {"valueTag": "val"}, {"excludeAttribute": "true"}, {"ignoreSurroundingSpaces": "true"}, {"ignoreSurroundingSpaces": "false"}, {"nullValue": ""}, {"nullValue": "1"}, {"inferSchema": "false"}, {"ignoreNamespace": "true"},
                {"ignoreNamespace": "true", "rowTag": "n:r"}, {"rowTag": "n:r"}, {"rowTag": "R"}, {"rowTag": "a"}, {"prefersDecimal": "true"}, {"preferDate": "false"}, {"treatEmptyValuesAsNulls": "true"}, {"columnNameOfCorruptRecord": "bad"}]:
    for shape in [SHAPES[i] for i in (0, 3, 4, 5, 7, 8, 15, 17, 18, 45, 48, 50)]:
        XML_CASES.append((shape, {**ROW, **options}, ["a STRING, b STRING, _VALUE STRING, bad STRING"]))
XML_CASES += [(b"<d><r><a>1</a></r></d>", options, ["a INT"]) for options in [{}, {"rowTag": ""}, {"rowTag": "<r>"}, {"rowTag": "r", "valueTag": ""}, {"rowTag": "r", "valueTag": "_", "attributePrefix": "_"}, {"rowTag": "r", "samplingRatio": "0"}]]
XML_CASES += [("<d><r><a>é</a></r></d>".encode("latin-1"), {**ROW, "encoding": "ISO-8859-1"}, ["a STRING" + CORRUPT]), ("<d><r><a>é</a></r></d>".encode("utf-16"), {**ROW, "charset": "UTF-16"}, ["a STRING" + CORRUPT]),
              ("<?xml version='1.0' encoding='ISO-8859-1'?><d><r><a>é</a></r></d>".encode("latin-1"), ROW, ["a STRING" + CORRUPT])]
XML_CASES += [(doc(f"<t>{t}</t>"), {**ROW, "timestampFormat": p}, ["t TIMESTAMP" + CORRUPT]) for p in ("yyyy-MM-dd HH:mm:ss", "dd/MM/yyyy") for t in ("2020-01-02 03:04:05", "02/01/2020", "2020-01-02")]
XML_CASES += [(doc(f"<t>{t}</t>"), {**ROW, "dateFormat": p}, ["t DATE" + CORRUPT]) for p in ("dd/MM/yyyy", "yyyyMMdd") for t in ("20200102", "02/01/2020", "2020-01-02")]
XML_CASES += [(b"<d><r><a>1</a><b><c>2</c></b><z q='1'>x</z></r></d>", {**ROW, **o}, ["a INT, xs_any STRING", "xs_any ARRAY<STRING>"]) for o in ({}, {"wildcardColName": "any"})]
